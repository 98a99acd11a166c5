"""The HTTP face of the engine: OpenAI's API on this machine's loopback.

`run.serve` is the door. Behind it, `app` is the web application, `security` who may come in,
`serving` the model and its state, `streaming` the way from the engine's threads to the client,
`chat` and `completions` the two kinds of request, and `loading` what turns settings into a model.
"""
