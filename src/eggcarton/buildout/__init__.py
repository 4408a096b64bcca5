"""What touches zc.buildout: the part adapter, the extension, the patches, and bin/buildout's own main."""
