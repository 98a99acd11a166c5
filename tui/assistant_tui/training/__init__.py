"""The training screen: runs begun, looked on at, stopped and gone on with, by the command line."""
