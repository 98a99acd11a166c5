"""The same app in a browser on this machine, by textual-serve: one process of it for each tab."""
