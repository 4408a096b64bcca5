from support.buildouts import Buildout
from support.distributions import wheel, source

def test_a(build: Buildout) -> None:
    wheel(build.index.directory, "greeting", "1.0", {"greeting.py": "def main():\n    print('hello')\n"}, console_scripts={"greet": "greeting:main"})
    build.configure("""
        [buildout]
        extensions = eggcarton
        parts = app other
        [app]
        recipe = eggcarton:scripts
        eggs = greeting
        [other]
        recipe = zc.recipe.egg
        eggs = greeting
        scripts = greet=greet2
        """)
    import time
    for args in ([],[],["-N"],["plan"]):
        t=time.time()
        if args==["plan"]:
            r=build.run(*args,program="eggcarton")
        else:
            r=build.run(*args)
        print(time.time()-t, r.status); print(r.output)
        print(build.index.requests); build.index.requests.clear()
    print(build.lock.read_text())
    print(build.run(program="greet"), build.run(program="greet2"))
    for k,v in build.tree().items(): print(k,v)
    print((build.root/'.installed.cfg').read_text())
