"""What runs in the sandbox: a judge with the tests, and the process of the program it tests.

Nothing here imports more than the standard library. The two processes share no memory and no open
file but two pipes, over which plain values go.
"""
