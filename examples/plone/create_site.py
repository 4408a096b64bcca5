"""Create the Plone site that this checkout serves, unless it is there: ``bin/instance run create_site.py``."""

from AccessControl.SecurityManagement import newSecurityManager
from plone.distribution.api import site
from Testing.makerequest import makerequest

SITE = "Plone"
ANSWERS = {
    "site_id": SITE,
    "title": "Our site",
    "default_language": "en",
    "portal_timezone": "UTC",
    "setup_content": True,
}

# bin/instance has put the root of the database into ``app``.
root = makerequest(app)  # noqa: F821
newSecurityManager(None, root.acl_users.getUserById("admin").__of__(root.acl_users))
if SITE in root:
    print(f"{SITE} is there already.")
else:
    site.create(root, "classic", ANSWERS)
    print(f"{SITE} has been created.")
