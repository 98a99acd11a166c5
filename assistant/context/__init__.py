"""What of a project may help to complete a file, beside the file itself.

`index` knows the project's definitions and is kept up to date by `indexer`, a process of its own;
`resolve` finds in it what a file names, `ring` remembers the places that were worked at, and `kept`
holds what is sent so still that the engine finds it in its cache.
"""
