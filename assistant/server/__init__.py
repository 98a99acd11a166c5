"""The HTTP face of the engine: OpenAI's API on this machine's loopback.

`run.serve` is the door, `life` what happens behind it. `app` is the web application and `api` its
routes; `security`, `bodies`, `connections` and `limits` say who may come in, and how much of them.
`catalog` knows what a model's name means, `host` holds the model, `adapters` its adapters, and
`loading` turns a choice into a model. `answers` is the way from the engine's thread to the client.
"""
