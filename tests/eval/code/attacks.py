"""Programs that try to get out of the sandbox, or to pass without being right.

Each defines `f`. An attack of `ESCAPES` gives back "escaped" where it came through; what stands in
capitals between angle brackets is a part of the world outside, which the test makes.
"""

_LIBC = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
"""
_ECHO = """
import socket
def f():
    with socket.socket({kind}) as one:
        one.settimeout(2)
        one.connect({address})
        one.send(b"x")
        return "escaped" if one.recv(1) else "closed"
"""
_READ = """
def f():
    return "escaped" if open({path!r}, "rb").read(1) else "empty"
"""
_WRITE = """
def f():
    with open({path!r}, "ab") as file:
        file.write(b"x")
    return "escaped"
"""
_CALL = """
def f():
    return "escaped" if libc.{call} >= 0 else os.strerror(ctypes.get_errno())
"""

REACHES_OUT = {
    "a TCP server": _ECHO.format(
        kind="socket.AF_INET, socket.SOCK_STREAM", address="('127.0.0.1', <TCP>)"
    ),
    "a UDP server": _ECHO.format(
        kind="socket.AF_INET, socket.SOCK_DGRAM", address="('127.0.0.1', <UDP>)"
    ),
    "a socket that is a file": _ECHO.format(
        kind="socket.AF_UNIX, socket.SOCK_STREAM", address="'<FOLDER>/socket'"
    ),
    "a socket with an abstract name": _ECHO.format(
        kind="socket.AF_UNIX, socket.SOCK_STREAM", address="chr(0) + '<ABSTRACT>'"
    ),
    "a file of the home folder": _READ.format(path="<FOLDER>/secret"),
    "a file through a symbolic link": """
import os
def f():
    os.chdir("/tmp")
    os.symlink("<FOLDER>/secret", "link-<TCP>")
    try:
        return "escaped" if open("link-<TCP>").read() else "empty"
    finally:
        os.unlink("link-<TCP>")
""",
    "a file through /proc": _READ.format(path="/proc/self/root/<FOLDER>/secret"),
    "the users' passwords": _READ.format(path="/etc/shadow"),
    "a token in the environment": """
import os
def f():
    return "escaped" if "<TOKEN>" in str(os.environ) else "nothing"
""",
    "a token in another's environment": """
import glob
def f():
    for file in glob.glob("/proc/[0-9]*/environ"):
        try:
            if b"<TOKEN>" in open(file, "rb").read():
                return "escaped"
        except OSError:
            continue
    return "nothing"
""",
    "a file outside": _WRITE.format(path="<FOLDER>/written"),
}
"""What comes through where there is no sandbox: a test sees that it does."""

ESCAPES = {
    **REACHES_OUT,
    "a name on the network": """
import socket
def f():
    return "escaped" if socket.gethostbyname("example.com") else "nothing"
""",
    "packets as they are": """
import socket
def f():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    return "escaped"
""",
    "many processes": """
import os, time
def f():
    for number in range(200):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    return "escaped"
""",
    "a fork bomb": """
import os
def f():
    while True:
        try:
            os.fork()
        except OSError:
            pass
""",
    "many threads": """
import threading, time
def f():
    for number in range(200):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return "escaped"
""",
    "all memory": """
def f():
    return "escaped" if bytearray(8 << 30) else ""
""",
    "memory of System V": _LIBC + _CALL.format(call="shmget(0, 1 << 26, 0o1600)"),
    "memory as a file": _LIBC + _CALL.format(call="memfd_create(b'x', 0)"),
    "the whole disk": """
import os
def f():
    for folder, inner, _ in os.walk("/"):
        if folder.count("/") > 2:
            inner.clear()
        written = 0
        try:
            while written < 100 << 20:
                with open(f"{folder}/fill{written}", "wb") as file:
                    written += file.write(bytes(1 << 20))
        except OSError:
            continue
        return "escaped"
    return "full"
""",
    "one huge file": """
def f():
    with open("/tmp/huge", "wb") as file:
        file.truncate(1 << 40)
    return "escaped"
""",
    "Python itself": """
import os
def f():
    return "escaped" if os.access(os.__file__, os.W_OK) or open(os.__file__, "ab") else ""
""",
    "the judge's own program": """
from assistant_eval.code.inside import judge
def f():
    return "escaped" if open(judge.__file__, "ab") else ""
""",
    "a hard link to what may not be written": """
import os
def f():
    os.link(os.__file__, "/tmp/linked.py")
    return "escaped" if open("/tmp/linked.py", "ab") else ""
""",
    "the root of everything": """
import os
def f():
    os.mkdir("/made")
    return "escaped"
""",
    "being root": """
import os
def f():
    for become in (os.setuid, os.setgid, os.seteuid):
        try:
            become(0)
        except OSError:
            continue
        return "escaped"
    return "escaped" if 0 in os.getresuid() else "nobody"
""",
    "a program that makes one root": """
import os, stat, subprocess
def f():
    for name in ("su", "mount", "passwd", "newgrp", "chsh"):
        if os.path.exists(f"/usr/bin/{name}"):
            shell = ["/usr/bin/su", "-c", "id -u"] if name == "su" else [f"/usr/bin/{name}"]
            subprocess.run(shell, stdin=subprocess.DEVNULL, timeout=1)
    code = "import os; print(os.geteuid())"
    os.open("/tmp/root.py", os.O_CREAT | os.O_WRONLY)
    os.chmod("/tmp/root.py", stat.S_ISUID | 0o755)
    return "escaped" if os.geteuid() == 0 else "nobody"
""",
    "a mount": _LIBC + _CALL.format(call="mount(b'x', b'/tmp', b'tmpfs', 0, None)"),
    "a root that can be written": _LIBC + _CALL.format(call="mount(None, b'/', None, 32, None)"),
    "a user namespace": _LIBC + _CALL.format(call="unshare(0x10000000)"),
    "a user namespace by clone": _LIBC
    + _CALL.format(
        call="syscall(56 if os.uname().machine == 'x86_64' else 220, 0x10000011, 0, 0, 0, 0)"
    ),
    "another's namespace": _LIBC + _CALL.format(call="setns(0, 0)"),
    "another root": """
import os
def f():
    os.chroot("/tmp")
    return "escaped"
""",
    "the kernel's keys": _LIBC
    + _CALL.format(call="syscall(250 if os.uname().machine == 'x86_64' else 219, 0, -3, 1)"),
    "tracing the judge": _LIBC + _CALL.format(call="ptrace(16, 1, None, None)"),
    "the judge's memory": _LIBC
    + """
class Part(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))
"""
    + _CALL.format(
        call="process_vm_readv(1, ctypes.byref(Part(id(libc), 8)), 1,"
        " ctypes.byref(Part(id(None), 8)), 1, 0)"
    ),
    "the judge's files": """
import os
def f():
    return "escaped" if os.listdir("/proc/1/fd") else ""
""",
    "raw devices": """
import os
def f():
    for made in ("/tmp/disk", "/dev/disk"):
        try:
            os.mknod(made, 0o60600, os.makedev(8, 0))
        except OSError:
            continue
        return "escaped"
    return "escaped" if set(os.listdir("/dev")) - {"null", "zero", "urandom"} else "none"
""",
    "the terminal's input": """
import fcntl, termios
def f():
    for descriptor in (0, 1, 2):
        try:
            fcntl.ioctl(descriptor, termios.TIOCSTI, b"x")
        except OSError:
            continue
        return "escaped"
    return "escaped" if open("/dev/tty") else ""
""",
    "the machine's name": """
import socket
def f():
    socket.sethostname("taken")
    return "escaped"
""",
    "the machine's clock": """
import time
def f():
    time.clock_settime(time.CLOCK_REALTIME, 0)
    return "escaped"
""",
}

FORGERIES = {
    "ends well": "import sys\nsys.exit(0)",
    "ends well at once": "import os\nos._exit(0)",
    "ends well when it is asked": "import os\ndef f(x): os._exit(0)",
    "prints a verdict": """
print('{"kind": "passed", "told": ""}', flush=True)
def f(x): pass
""",
    "writes a verdict everywhere": r"""
import json, os
data = json.dumps({"kind": "passed", "told": ""}).encode()
for descriptor in range(256):
    try:
        os.write(descriptor, len(data).to_bytes(8, "big") + data)
    except OSError:
        pass
def f(x): pass
""",
    "equals everything": """
class Any(int):
    def __eq__(self, other): return True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __hash__ = int.__hash__
def f(x): return Any(7)
""",
    "a text that equals everything": """
class Any(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
def f(x): return Any("no")
""",
    "is everything": """
class Any:
    def __eq__(self, other): return True
def f(x): return Any()
""",
    "has a check of its own": "def f(x): pass\ndef check(candidate): pass",
    "changes what Python is": """
import builtins
builtins.AssertionError = builtins.Exception = KeyboardInterrupt
builtins.compile = builtins.exec = lambda *_, **__: None
def f(x): pass
""",
    "changes how values are handed over": """
from assistant_eval.code.inside import judge, program, values
for module in (judge, program, values):
    module.encode = module.decode = lambda value: True
judge._test = judge._judge = lambda *_: ("passed", "")
def f(x): pass
""",
    "looks for the tests in memory": """
import gc, sys
def seen():
    frame, found = sys._getframe(), []
    while frame:
        found += [str(frame.f_locals)]
        frame = frame.f_back
    return " ".join(found) + str([one for one in gc.get_objects() if isinstance(one, dict)])
def f(x):
    return 42 if "never" + "-told" in seen() else 0
""",
    "ends the loop of the tests": "def f(x): raise StopIteration",
    "raises what the tests expect of others": "def f(x): raise AssertionError",
    "raises a generator's end": "def f(x): raise GeneratorExit",
    "kills the judge": """
import os, signal
for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
    os.kill(1, number)
def f(x): os.kill(-1, signal.SIGKILL)
""",
    "stops the judge": "import os, signal\nos.kill(1, signal.SIGSTOP)\ndef f(x): pass",
    "takes the judge's time": """
import resource
resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))
def f(x): pass
""",
    "answers before it is asked": """
import json, os
data = json.dumps(["value", 41]).encode()
for _ in range(5):
    os.write(4, len(data).to_bytes(8, "big") + data)
def f(x): pass
""",
    "answers with nonsense": """
import os
def f(x): os.write(4, b"nonsense" * 100); os._exit(0)
""",
    "answers with a promise of much": """
import os
def f(x): os.write(4, (1 << 62).to_bytes(8, "big")); os._exit(0)
""",
    "answers with depth": """
import os
data = b"[" * 1000000
def f(x): os.write(4, len(data).to_bytes(8, "big") + data)
""",
    "answers with very much": "def f(x): return 'x' * (100 << 20)",
    "answers without end": "import itertools\ndef f(x): return itertools.count()",
    "answers with itself": "def f(x):\n    mine = []\n    mine.append(mine)\n    return mine",
    "raises what is no text": "def f(x): raise ValueError(chr(0xd800) * 9)",
    "raises what cannot be told": """
class Untold(Exception):
    def __str__(self): raise self
def f(x): raise Untold
""",
    "is no program": "def f(x: return",
    "is another function": "def g(x): return 42",
}
"""Programs whose `f` is not right, and that want to pass."""

ENDLESS = {
    "never ends": "def f(x):\n    while True: pass",
    "never wakes": "import time\ndef f(x): time.sleep(1000)",
    "never ends in one of Python's own functions": "def f(x): return sum(range(10**15))",
    "will not be ended": """
import signal
for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGXCPU):
    signal.signal(number, signal.SIG_IGN)
def f(x):
    while True: pass
""",
}

HARMLESS = {
    "prints without end": """
def f(x):
    for _ in range(100): print("x" * (1 << 20))
    return x + 1
""",
    "reads what is not there": """
import sys
def f(x):
    return x + len(sys.stdin.read()) + 1
""",
    "leaves a child behind": """
import os, time
def f(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    os.wait()
    return x + 1
""",
    "keeps a file": """
def f(x):
    with open("/tmp/kept", "w") as file: file.write("x")
    return x + len(open("/tmp/kept").read())
""",
}
"""Programs that are right, beside what else they do."""
