"""A server process of a lesson: started, asked, drained, killed.

>>> with Served("emulated:50+2", max_batch=8, queue_limit=100) as server:  # doctest: +SKIP
...     server.predict([[3.0]])
array([[3.]], dtype=float32)

The interface, which the server module fills:

    Served(model, *, name="model", shape=None, max_batch=32, max_wait=0.0, queue_limit=1000,
           admit=None, patience=inf, token=None, body_limit=None, drain=10.0, grace=0.0)
        model: "emulated:A+C" (answers a batch of b after A + C b milliseconds: its own inputs,
            shape (1,)), the path of an .onnx, .keras or .npz file, a list of arrays
            [W, b, W, b, ...] (dense layers, ReLU between them, softmax at the end), or a function
            of a batch of shape (b, *shape), with shape=
        max_wait: seconds that the first of a batch may wait for others
        queue_limit: requests that may wait; the next ones are answered 503 with Retry-After
        admit: the learner's rule, admit(queue_length, oldest_wait) -> bool, asked for each
            request; queue_length counts those that wait (not those in the batch that runs),
            oldest_wait is the seconds that the oldest of them has waited, 0.0 for none
        patience: seconds after which a request that still waits is answered 504, not computed

    server.url           "http://127.0.0.1:PORT"
    server.infer_url     url + "/v2/models/model/infer"
    server.host, server.port, server.pid, server.headers (with the token, when there is one)
    server.predict(rows) one request, its answer as an array
    server.metrics()     name -> number, of /metrics
    server.stop()        SIGTERM; waits until it has drained; returns its Counts
    server.kill()        SIGKILL
    server.counts        after stop: Counts(accepted, answered, refused, ...)

    with replicas(3, "emulated:20+1") as servers:   # started together; a list of Served
    missing()            a sentence where the extra is not installed, else ""

    protocol.json_body(rows), protocol.binary_body(rows) -> (body, headers) for a load generator;
    protocol.read_answer(body, headers) -> array
    GET /v2/health/live, /v2/health/ready (503 while it drains), /metrics (Prometheus)
"""
