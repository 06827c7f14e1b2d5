"""Right answers to the exercises of the lessons, in the many ways people write them.

A line is the body of the function, or what it returns; lines that are indented go on with it.
"""

RIGHT = {
    "start.prediction": """
w * length + b
b + w * length
length * w + b
(w * length) + b
b + length * w
np.multiply(w, length) + b
np.dot(w, length) + b
np.add(w * length, b)
float(w * length + b)
np.array(w * length + b)
np.float32(w * length + b)
np.polyval([w, b], length)
sum([w * length, b])
np.sum([w * length, b])
-(-w * length - b)
w * (length + b / w)
np.array([length, 1]) @ np.array([w, b])
math.fsum((w * length, b))
result = w * length
  result += b
  return result
line = lambda x: w * x + b
  return line(length)
y = w * length + b
  print(y)
  return y
if w == 0:
      return b
  return w * length + b
return w * length + b  # the line
""",
    "descent.update": """
w - learning_rate * gradient
w - gradient * learning_rate
w + -learning_rate * gradient
w + (-1) * learning_rate * gradient
-learning_rate * gradient + w
w - np.multiply(learning_rate, gradient)
np.subtract(w, learning_rate * gradient)
np.array(w) - learning_rate * np.array(gradient)
np.asarray(w, dtype=float) - learning_rate * np.asarray(gradient)
np.float32(w - learning_rate * gradient)
(w - learning_rate * gradient).astype(np.float32) if np.ndim(w) else w - learning_rate * gradient
(w / learning_rate - gradient) * learning_rate
-(learning_rate * gradient - w)
list(w - learning_rate * gradient) if np.ndim(w) else w - learning_rate * gradient
tuple(w - learning_rate * gradient) if np.ndim(w) else w - learning_rate * gradient
[a - learning_rate * b for a, b in zip(w, gradient)] if np.ndim(w) else w - learning_rate * gradient
w -= learning_rate * gradient
  return w
step = learning_rate * gradient
  return w - step
gradient *= learning_rate
  w -= gradient
  return w
new_w = w - learning_rate * gradient
  return new_w
direction = -gradient
  return w + learning_rate * direction
def step(w):
      return w - learning_rate * gradient
  return step(w)
old = np.copy(w)
  old = old - learning_rate * gradient
  return old
""",
    "descent.momentum": """
w + momentum * velocity - learning_rate * gradient, momentum * velocity - learning_rate * gradient
velocity = momentum * velocity - learning_rate * gradient
  return w + velocity, velocity
v = momentum * velocity - learning_rate * gradient
  return (w + v, v)
v = momentum * velocity - learning_rate * gradient
  return [w + v, v]
v = momentum * velocity - learning_rate * gradient
  return np.array([w + v, v])
v = momentum * velocity - learning_rate * gradient
  w = w + v
  return w, v
v = momentum * velocity + -learning_rate * gradient
  return v + w, v
v = momentum * velocity + gradient
  return w - learning_rate * v, v
v = momentum * velocity + learning_rate * gradient
  return w - v, v
velocity *= momentum
  velocity -= learning_rate * gradient
  w += velocity
  return w, velocity
velocity = velocity * momentum
  velocity = velocity - gradient * learning_rate
  return w + velocity, velocity
step = learning_rate * gradient
  kept = momentum * velocity
  return w + kept - step, kept - step
v = momentum * velocity - learning_rate * gradient
  return np.float32(w + v), np.float32(v)
v = momentum * np.array(velocity) - learning_rate * np.array(gradient)
  return np.array(w) + v, v
v = momentum * velocity - learning_rate * gradient
  return np.stack([w + v, v])
v = momentum * velocity - learning_rate * gradient
  return (list(w + v), list(v)) if np.ndim(w) else (w + v, v)
velocity, old = momentum * velocity - learning_rate * gradient, velocity
  return w + velocity, velocity
v = -(learning_rate * gradient - momentum * velocity)
  return w + v, v
v = np.add(momentum * velocity, -learning_rate * gradient)
  return np.add(w, v), v
""",
    "descent.stable_rate": """
2 / np.linalg.eigvalsh(hessian)[-1]
2 / np.linalg.eigvalsh(hessian).max()
2 / max(np.linalg.eigvalsh(hessian))
2 / np.max(np.linalg.eigvals(hessian))
2 / np.linalg.eigvals(hessian).real.max()
2 / max(np.linalg.eigvals(hessian).real)
2.0 / np.linalg.eigh(hessian)[0][-1]
2 / np.linalg.eigh(hessian).eigenvalues.max()
2 / np.linalg.eig(hessian)[0].max()
2 / np.linalg.norm(hessian, 2)
2 / np.linalg.svd(hessian)[1][0]
2 / np.linalg.svd(hessian, compute_uv=False).max()
2 / sorted(np.linalg.eigvalsh(hessian))[-1]
2 / scipy.linalg.eigvalsh(hessian)[-1]
2 / scipy.linalg.eigh(hessian, eigvals_only=True)[-1]
np.min(2 / np.linalg.eigvalsh(hessian))
min(2 / np.linalg.eigvalsh(hessian))
float(2 / np.linalg.eigvalsh(hessian)[-1])
np.float32(2 / np.linalg.eigvalsh(hessian)[-1])
np.array(2 / np.linalg.eigvalsh(hessian)[-1])
curvatures = np.linalg.eigvalsh(hessian)
  largest = curvatures[-1]
  return 2 / largest
1 / (np.linalg.eigvalsh(hessian)[-1] / 2)
v = np.arange(1.0, len(hessian) + 1)
  for _ in range(2000):
      v = hessian @ v
      v /= np.linalg.norm(v)
  return 2 / (v @ hessian @ v)
rate = 2 / np.linalg.eigvalsh(np.asarray(hessian))
  return rate[-1]
2 / np.linalg.eigvals(hessian.astype(complex)).max()
""",
    "losses.mse": """
np.mean((y_true - y_pred) ** 2)
np.mean((y_pred - y_true) ** 2)
((y_true - y_pred) ** 2).mean()
np.square(y_true - y_pred).mean()
np.sum((y_true - y_pred) ** 2) / len(y_true)
((y_true - y_pred) ** 2).sum() / y_true.size
(y_true - y_pred) @ (y_true - y_pred) / len(y_true)
np.dot(y_true - y_pred, y_true - y_pred) / len(y_true)
np.linalg.norm(y_true - y_pred) ** 2 / len(y_true)
np.average((y_true - y_pred) ** 2)
np.mean(np.abs(y_true - y_pred) ** 2)
np.mean(y_true**2 - 2 * y_true * y_pred + y_pred**2)
sum((y_true - y_pred) ** 2) / len(y_true)
sum((a - b) ** 2 for a, b in zip(y_true, y_pred)) / len(y_true)
float(np.mean((y_true - y_pred) ** 2))
np.float32(np.mean((y_true - y_pred) ** 2))
np.asarray(np.mean((y_true - y_pred) ** 2))
sklearn.metrics.mean_squared_error(y_true, y_pred)
np.einsum("i,i->", y_true - y_pred, y_true - y_pred) / len(y_true)
error = y_true - y_pred
  return np.mean(error * error)
total = 0
  for a, b in zip(y_true, y_pred):
      total += (a - b) ** 2
  return total / len(y_true)
total = 0.0
  n = y_true.shape[0]
  for i in range(n):
      total = total + (y_pred[i] - y_true[i]) ** 2 / n
  return total
y_true -= y_pred
  y_true **= 2
  return y_true.mean()
statistics.fmean((y_true - y_pred) ** 2)
""",
    "losses.mse_gradient": """
2 * (y_pred - y_true) / len(y_true)
2 / len(y_true) * (y_pred - y_true)
(y_pred - y_true) * 2 / y_true.size
-2 * (y_true - y_pred) / len(y_pred)
2 * (y_pred - y_true) / y_pred.shape[0]
(y_pred - y_true) / (len(y_true) / 2)
(y_pred - y_true + y_pred - y_true) / len(y_true)
[2 * (p - y) / len(y_true) for y, p in zip(y_true, y_pred)]
tuple(2 * (y_pred - y_true) / len(y_true))
(2 * (y_pred - y_true) / len(y_true)).tolist()
np.multiply(2 / len(y_true), y_pred - y_true)
np.array([2 * (p - y) for y, p in zip(y_true, y_pred)]) / len(y_true)
np.float32(2 * (y_pred - y_true) / len(y_true))
2 * np.subtract(y_pred, y_true) / np.size(y_true)
n = len(y_true)
  return 2 * (y_pred - y_true) / n
y_pred -= y_true
  return 2 * y_pred / len(y_true)
gradient = np.zeros_like(y_pred)
  for i in range(len(y_pred)):
      gradient[i] = 2 * (y_pred[i] - y_true[i]) / len(y_pred)
  return gradient
gradient = []
  for y, p in zip(y_true, y_pred):
      gradient.append(2 * (p - y) / len(y_true))
  return gradient
error = y_pred - y_true
  return np.gradient(error**2 / len(error)) * 0 + 2 * error / len(error)
""",
    "losses.stable_cross_entropy": """
np.mean(np.maximum(logits, 0) - y_true * logits + np.log1p(np.exp(-np.abs(logits))))
np.mean(np.logaddexp(0, logits) - y_true * logits)
(np.logaddexp(0, logits) - y_true * logits).mean()
np.mean(y_true * np.logaddexp(0, -logits) + (1 - y_true) * np.logaddexp(0, logits))
np.mean(np.logaddexp(0, np.where(y_true == 1, -logits, logits)))
np.mean(np.logaddexp(0, (1 - 2 * y_true) * logits))
np.mean(np.maximum(0, logits) - logits * y_true + np.log(1 + np.exp(-abs(logits))))
np.mean(np.clip(logits, 0, None) - y_true * logits + np.log1p(np.exp(-abs(logits))))
np.sum(np.logaddexp(0, logits) - y_true * logits) / len(y_true)
-np.mean(scipy.special.log_expit(np.where(y_true > 0.5, logits, -logits)))
-np.mean(y_true * scipy.special.log_expit(logits) + (1 - y_true) * scipy.special.log_expit(-logits))
np.mean(scipy.special.softplus(logits) - y_true * logits)
np.mean(relu(logits) - y_true * logits + np.log1p(np.exp(-np.abs(logits))))
np.mean(np.logaddexp(0, logits)) - np.mean(y_true * logits)
np.mean([max(z, 0) - y * z + math.log1p(math.exp(-abs(z))) for y, z in zip(y_true, logits)])
sum(np.logaddexp(0, logits) - y_true * logits) / len(logits)
float(np.mean(np.logaddexp(0, logits) - y_true * logits))
np.float32(np.mean(np.logaddexp(0, logits) - y_true * logits))
np.average(np.logaddexp(0, logits) - y_true * logits)
np.mean(np.where(logits > 0, logits, 0) - y_true * logits + np.log1p(np.exp(-np.abs(logits))))
m = np.maximum(logits, 0)
  return np.mean(m + np.log(np.exp(-m) + np.exp(logits - m)) - y_true * logits)
losses = []
  for y, z in zip(y_true, logits):
      losses.append(max(z, 0) - y * z + np.log1p(np.exp(-abs(z))))
  return np.mean(losses)
total = 0
  for y, z in zip(y_true, logits):
      s = z if y == 0 else -z
      total += s + math.log1p(math.exp(-s)) if s > 0 else math.log1p(math.exp(s))
  return total / len(y_true)
""",
    "losses.softmax_gradient": """
(scipy.special.softmax(logits, axis=1) - y_true) / len(y_true)
(scipy.special.softmax(logits, axis=-1) - y_true) / logits.shape[0]
e = np.exp(logits - logits.max(axis=1, keepdims=True))
  return (e / e.sum(axis=1, keepdims=True) - y_true) / len(y_true)
e = np.exp(logits - np.max(logits, axis=1)[:, None])
  p = e / np.sum(e, axis=1)[:, None]
  return (p - y_true) / y_true.shape[0]
e = np.exp(logits - logits.max(1, keepdims=True))
  return (e / e.sum(1, keepdims=True) - y_true) / len(logits)
e = np.exp((logits.T - logits.max(axis=1)).T)
  p = (e.T / e.sum(axis=1)).T
  return (p - y_true) / len(p)
p = np.exp(logits - scipy.special.logsumexp(logits, axis=1, keepdims=True))
  return (p - y_true) / len(p)
rows = []
  for y, z in zip(y_true, logits):
      e = np.exp(z - max(z))
      rows.append((e / e.sum() - y) / len(y_true))
  return rows
rows = []
  for y, z in zip(y_true, logits):
      e = np.exp(z - max(z))
      rows.append((e / e.sum() - y) / len(y_true))
  return np.array(rows)
logits -= logits.max(axis=1, keepdims=True)
  np.exp(logits, out=logits)
  logits /= logits.sum(axis=1, keepdims=True)
  logits -= y_true
  return logits / len(y_true)
p = np.float32(scipy.special.softmax(logits, axis=1))
  return (p - y_true) / len(p)
p = np.float32(scipy.special.softmax(logits, axis=1)) - np.float32(y_true)
  return p / np.float32(len(p))
p = scipy.special.softmax(logits, axis=1)
  p[np.arange(len(p)), y_true.argmax(axis=1)] -= 1
  return p / len(p)
p = scipy.special.softmax(logits, axis=1)
  return p / len(p) - y_true / len(p)
p = np.apply_along_axis(scipy.special.softmax, 1, logits)
  return (p - y_true) * (1 / len(p))
n = logits.shape[0]
  e = np.exp(logits - logits.max(axis=1).reshape(-1, 1))
  return ((e / e.sum(axis=1).reshape(n, 1) - y_true) / n).tolist()
-(y_true - scipy.special.softmax(logits, axis=1)) / len(y_true)
""",
    "losses.own_slope": """
np.where(error < 0, -9, 1)
np.where(error < 0, -9.0, 1.0)
np.where(error > 0, 1, -9)
[-9 if e < 0 else 1 for e in error]
np.where(error < 0, -4.0, 1.0)
np.where(error < 0, 18 * error, 2 * error)
np.where(error < 0, 9, 1) * np.tanh(error)
np.sign(error) - 8 * (error < 0)
1 - 10 * (error < 0)
slope = np.ones(len(error))
  slope[error < 0] = -9
  return slope
slopes = []
  for e in error:
      slopes.append(1.0 if e >= 0 else -9.0)
  return slopes
error[error < 0] = -9
  error[error > 0] = 1
  return error
1 - np.exp(-error)
np.clip(error, -9, 1)
""",
    "activations.sigmoid_slope": """
sigmoid(x) * (1 - sigmoid(x))
s = sigmoid(x)
  return s * (1 - s)
s = sigmoid(x)
  return s - s * s
sigmoid(x) - sigmoid(x) ** 2
sigmoid(x) * sigmoid(-x)
np.exp(-x) / (1 + np.exp(-x)) ** 2
1 / (np.exp(x) + 2 + np.exp(-x))
1 / (2 + 2 * np.cosh(x))
0.25 / np.cosh(x / 2) ** 2
(1 - np.tanh(x / 2) ** 2) / 4
scipy.special.expit(x) * scipy.special.expit(-x)
scipy.special.expit(x) * (1 - scipy.special.expit(x))
s = 1 / (1 + np.exp(-x))
  return s * (1 - s)
s = 1.0 / (1.0 + np.exp(-np.asarray(x)))
  return np.multiply(s, 1 - s)
e = np.exp(-x)
  return e / (1 + e) ** 2
e = np.exp(-np.abs(x))
  return e / (1 + e) ** 2
np.array(sigmoid(x) * (1 - sigmoid(x)))
np.float32(sigmoid(x) * sigmoid(-x))
scipy.stats.logistic.pdf(x)
sigmoid(-x) * (1 - sigmoid(-x))
[float(sigmoid(v) * sigmoid(-v)) for v in x] if np.ndim(x) else sigmoid(x) * sigmoid(-x)
""",
    "activations.softmax": """
scipy.special.softmax(z, axis=1)
scipy.special.softmax(z, axis=-1)
e = np.exp(z - z.max(axis=1, keepdims=True))
  return e / e.sum(axis=1, keepdims=True)
e = np.exp(z - np.max(z, axis=1, keepdims=True))
  return np.divide(e, np.sum(e, axis=1, keepdims=True))
e = np.exp(z - z.max(axis=1)[:, None])
  return e / e.sum(axis=1)[:, None]
e = np.exp(z - z.max(axis=-1)[:, np.newaxis])
  return e / e.sum(axis=-1)[:, np.newaxis]
e = np.exp(z.T - z.max(axis=1))
  return (e / e.sum(axis=0)).T
np.exp(z - scipy.special.logsumexp(z, axis=1, keepdims=True))
np.exp(scipy.special.log_softmax(z, axis=1))
np.array([scipy.special.softmax(row) for row in z])
[scipy.special.softmax(row) for row in z]
[list(scipy.special.softmax(row)) for row in z]
scipy.special.softmax(z, axis=1).tolist()
scipy.special.softmax(z, axis=1).astype("float32")
z -= z.max(axis=1, keepdims=True)
  z = np.exp(z)
  z /= z.sum(axis=1, keepdims=True)
  return z
rows = []
  for row in z:
      e = np.exp(row - max(row))
      rows.append(e / sum(e))
  return np.array(rows)
shares = np.zeros_like(z)
  for i in range(z.shape[0]):
      e = np.exp(z[i] - z[i].max())
      shares[i] = e / e.sum()
  return shares
np.apply_along_axis(lambda r: np.exp(r - r.max()) / np.exp(r - r.max()).sum(), 1, z)
m = np.amax(z, axis=1).reshape(-1, 1)
  e = np.exp(z - m)
  return e / np.sum(e, axis=1).reshape(-1, 1)
e = np.exp(z - z.max(axis=1, keepdims=True) - 3)
  return e / e.sum(axis=1, keepdims=True)
e = np.exp(z - z.max(axis=1, keepdims=True))
  return e * (1 / e.sum(axis=1, keepdims=True))
""",
    "activations.network": """
relu(x @ W1 + b1) @ W2 + b2
np.maximum(x @ W1 + b1, 0) @ W2 + b2
np.maximum(0, x @ W1 + b1) @ W2 + b2
relu(np.dot(x, W1) + b1).dot(W2) + b2
np.matmul(relu(np.matmul(x, W1) + b1), W2) + b2
relu(b1 + x @ W1) @ W2 + b2
b2 + relu(x @ W1 + b1) @ W2
hidden = relu(x @ W1 + b1)
  return hidden @ W2 + b2
hidden = x @ W1 + b1
  hidden[hidden < 0] = 0
  return hidden @ W2 + b2
hidden = x @ W1 + b1
  hidden = hidden * (hidden > 0)
  return hidden @ W2 + b2
z = x @ W1 + b1
  h = (z + np.abs(z)) / 2
  return h @ W2 + b2
z = x @ W1 + b1
  return np.where(z > 0, z, 0) @ W2 + b2
np.clip(x @ W1 + b1, 0, None) @ W2 + b2
(W2.T @ relu(W1.T @ x.T + b1[:, None]) + b2[:, None]).T
np.array([relu(row @ W1 + b1) @ W2 + b2 for row in x])
[relu(row @ W1 + b1) @ W2 + b2 for row in x]
(relu(x @ W1 + b1) @ W2 + b2).tolist()
(relu(x @ W1 + b1) @ W2 + b2).astype(np.float32)
np.einsum("nh,ho->no", relu(np.einsum("ni,ih->nh", x, W1) + b1), W2) + b2
h = x.dot(W1)
  h += b1
  h = relu(h)
  out = h.dot(W2)
  out += b2
  return out
x = np.hstack([x, np.ones((len(x), 1))])
  h = relu(x @ np.vstack([W1, b1]))
  return h @ W2 + b2
""",
    "activations.hat": """
[(0, 1), (-1, -2), (-2, 1)]
[(-2, 1), (-1, -2), (0, 1)]
[[0, 1], [-1, -2], [-2, 1]]
((0, 1), (-1, -2), (-2, 1))
np.array([(0, 1), (-1, -2), (-2, 1)])
[(0.0, 1.0), (-1.0, -2.0), (-2.0, 1.0)]
np.array([[0, -1, -2], [1, -2, 1]]).T
[[0, -1, -2], [1, -2, 1]]
list(zip([0, -1, -2], [1, -2, 1]))
[(-1, -2), (0, 1), (-2, 1)]
""",
    "activations.activation": """
1.0507 * np.where(z > 0, z, 1.67326 * np.expm1(np.minimum(z, 0)))
np.tanh(z)
relu(z)
np.maximum(z, 0.1 * z)
np.where(z > 0, z, 0.5 * z)
relu(z) - 0.3
z * sigmoid(z)
z * sigmoid(1.7 * z)
np.arctan(z)
np.clip(z, -1, 1)
np.sin(z)
abs(z)
z / (1 + np.abs(z))
a = 0.25
  return np.where(z >= 0, z, a * z)
np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)
(relu(z) - 0.4).tolist()
np.vectorize(lambda v: v if v > 0 else v / 4)(z)
scipy.special.expit(z)
""",
    "backprop.product_slopes": """
slope * b, slope * a
(b * slope, a * slope)
[slope * b, slope * a]
np.array([b, a]) * slope
b * slope, slope * a
da = slope * b
  db = slope * a
  return da, db
tuple(slope * each for each in (b, a))
((a + 1) * b - a * b) * slope, (a * (b + 1) - a * b) * slope
np.float32(slope * b), np.float32(slope * a)
""",
    "backprop.output_delta": """
(prediction - y) / len(y)
(prediction - y) / y.shape[0]
(prediction - y) / len(prediction)
1 / len(y) * (prediction - y)
-(y - prediction) / len(y)
np.subtract(prediction, y) / len(y)
(prediction - y) / prediction.shape[0]
(-(y / prediction) + (1 - y) / (1 - prediction)) * prediction * (1 - prediction) / len(y)
(prediction - y) / (prediction * (1 - prediction)) * prediction * (1 - prediction) / len(y)
np.where(y == 1, prediction - 1, prediction) / len(y)
(prediction * (1 - y) - (1 - prediction) * y) / len(y)
[[(a - b) / len(y) for a, b in zip(p, t)] for p, t in zip(prediction, y)]
[(p - t) / len(y) for p, t in zip(prediction, y)]
((prediction - y) / len(y)).tolist()
np.float32((prediction - y) / len(y))
((prediction - y) / len(y)).reshape(y.shape)
prediction -= y
  return prediction / len(y)
n = y.shape[0]
  dJda = (-(y / prediction) + (1 - y) / (1 - prediction)) / n
  dadz = prediction * (1 - prediction)
  return dJda * dadz
delta = np.empty_like(prediction)
  for i in range(len(y)):
      delta[i] = (prediction[i] - y[i]) / len(y)
  return delta
delta = prediction.copy()
  delta[y == 1] -= 1
  return delta / len(y)
""",
    "backprop.hidden_delta": """
delta @ W.T * h * (1 - h)
(delta @ W.T) * h * (1 - h)
h * (1 - h) * (delta @ W.T)
np.dot(delta, W.T) * h * (1 - h)
delta.dot(W.T) * (h - h**2)
(delta @ W.T) * (h * (1 - h))
np.matmul(delta, np.transpose(W)) * h * (1 - h)
(W @ delta.T).T * h * (1 - h)
np.einsum("no,ho->nh", delta, W) * h * (1 - h)
np.multiply(delta @ W.T, h * (1 - h))
(delta @ W.T * h * (1 - h)).tolist()
[row * g * (1 - g) for row, g in zip(delta @ W.T, h)]
np.float32(delta @ W.T * h * (1 - h))
np.inner(delta, W) * h * (1 - h)
np.tensordot(delta, W, axes=(1, 1)) * (1 - h) * h
back = delta @ W.T
  slope = h * (1 - h)
  return back * slope
back = np.zeros_like(h)
  for n in range(len(h)):
      for j in range(h.shape[1]):
          back[n, j] = sum(delta[n, k] * W[j, k] for k in range(W.shape[1]))
  return back * h * (1 - h)
h *= 1 - h
  return delta @ W.T * h
np.array([W @ d for d in delta]) * h * (1 - h)
""",
    "backprop.gradient": """
slopes = np.zeros(len(w))
  for place in range(len(w)):
      above, below = w.copy(), w.copy()
      above[place] += tiny
      below[place] -= tiny
      slopes[place] = (loss(above) - loss(below)) / (2 * tiny)
  return slopes
slopes = []
  for i in range(len(w)):
      up = np.array(w)
      down = np.array(w)
      up[i] = up[i] + tiny
      down[i] = down[i] - tiny
      slopes.append((loss(up) - loss(down)) / 2 / tiny)
  return slopes
slopes = []
  for i in range(len(w)):
      up = w.copy()
      up[i] += tiny
      down = w.copy()
      down[i] -= tiny
      slopes.append((loss(up) - loss(down)) / (tiny + tiny))
  return np.array(slopes)
g = np.zeros_like(w)
  for i in range(w.size):
      w[i] += tiny
      up = loss(w)
      w[i] -= 2 * tiny
      down = loss(w)
      w[i] += tiny
      g[i] = (up - down) / (2 * tiny)
  return g
g = np.zeros_like(w)
  for i in range(w.size):
      old = w[i]
      w[i] = old + tiny
      up = loss(w)
      w[i] = old - tiny
      g[i] = (up - loss(w)) / (2 * tiny)
      w[i] = old
  return g
moves = tiny * np.eye(len(w))
  return np.array([(loss(w + m) - loss(w - m)) / (2 * tiny) for m in moves])
[(loss(w + e) - loss(w - e)) / (2 * tiny) for e in tiny * np.eye(len(w))]
tuple((loss(w + e) - loss(w - e)) / (2 * tiny) for e in tiny * np.eye(len(w)))
-np.array([(loss(w - e) - loss(w + e)) / (2 * tiny) for e in tiny * np.eye(len(w))])
np.array([loss(w + e) - loss(w - e) for e in tiny * np.eye(len(w))]) / (2 * tiny)
np.array([0.5 * (loss(w + e) - loss(w - e)) for e in tiny * np.eye(len(w))]) / tiny
g = np.zeros(len(w))
  for i, e in enumerate(np.eye(len(w))):
      g[i] = (loss(w + tiny * e) - loss(w - tiny * e)) / (2 * tiny)
  return g
def slope(i):
      e = np.zeros(len(w))
      e[i] = tiny
      return (loss(w + e) - loss(w - e)) / (2 * tiny)
  return np.array([slope(i) for i in range(len(w))])
np.float32([(loss(w + e) - loss(w - e)) / (2 * tiny) for e in tiny * np.eye(len(w))])
list(map(lambda e: (loss(w + e) - loss(w - e)) / (2 * tiny), tiny * np.eye(len(w))))
g = np.empty(w.shape)
  for i in np.ndindex(w.shape):
      e = np.zeros(w.shape)
      e[i] = tiny
      g[i] = (loss(w + e) - loss(w - e)) / tiny / 2
  return g
""",
    "metrics.f1": """
2 * tp / (2 * tp + fp + fn)
tp / (tp + (fp + fn) / 2)
tp / (tp + 0.5 * (fp + fn))
2 * tp / (tp + fp + tp + fn)
precision = tp / (tp + fp)
  recall = tp / (tp + fn)
  return 2 * precision * recall / (precision + recall)
p, r = tp / (tp + fp), tp / (tp + fn)
  return 2 / (1 / p + 1 / r)
p, r = tp / (tp + fp), tp / (tp + fn)
  return statistics.harmonic_mean([p, r])
p, r = tp / (tp + fp), tp / (tp + fn)
  return 2 * (p * r) / (p + r)
p, r = tp / (tp + fp), tp / (tp + fn)
  return scipy.stats.hmean([p, r])
p, r = tp / (tp + fp), tp / (tp + fn)
  return (1 + 1**2) * p * r / (1**2 * p + r)
p, r = tp / (tp + fp), tp / (tp + fn)
  return p * r / ((p + r) / 2)
p, r = tp / (tp + fp), tp / (tp + fn)
  return ((p**-1 + r**-1) / 2) ** -1
p, r = tp / (tp + fp), tp / (tp + fn)
  return 2 * p * r / (p + r) if p + r else 0.0
1 / np.mean([(tp + fp) / tp, (tp + fn) / tp])
float(2 * tp / (2 * tp + fp + fn))
np.float32(2 * tp / (2 * tp + fp + fn))
np.array(2 * tp / (2 * tp + fp + fn))
np.divide(2 * tp, 2 * tp + fp + fn)
1 - (fp + fn) / (2 * tp + fp + fn)
y = [1] * tp + [0] * fp + [1] * fn + [0] * tn
  p = [1] * tp + [1] * fp + [0] * fn + [0] * tn
  return sklearn.metrics.f1_score(y, p)
jaccard = tp / (tp + fp + fn)
  return 2 * jaccard / (1 + jaccard)
""",
    "metrics.pipeline": """
median = np.nanmedian(rows[:-test_count], axis=0)
  filled = np.where(np.isnan(rows), median, rows)
  train = filled[:-test_count]
  return (filled - train.mean(axis=0)) / train.std(axis=0)
n = len(rows) - test_count
  m = np.nanmedian(rows[:n], axis=0)
  rows = np.where(np.isnan(rows), m, rows)
  return (rows - rows[:n].mean(0)) / rows[:n].std(0)
train, test = rows[:-test_count].copy(), rows[-test_count:].copy()
  for j in range(rows.shape[1]):
      m = np.nanmedian(train[:, j])
      train[np.isnan(train[:, j]), j] = m
      test[np.isnan(test[:, j]), j] = m
  mean, std = train.mean(axis=0), train.std(axis=0)
  return np.vstack([(train - mean) / std, (test - mean) / std])
train, test = rows[:-test_count], rows[-test_count:]
  imputer = sklearn.impute.SimpleImputer(strategy="median").fit(train)
  scaler = sklearn.preprocessing.StandardScaler().fit(imputer.transform(train))
  return scaler.transform(imputer.transform(rows))
pipe = sklearn.pipeline.make_pipeline(
      sklearn.impute.SimpleImputer(strategy="median"), sklearn.preprocessing.StandardScaler()
  )
  pipe.fit(rows[:-test_count])
  return pipe.transform(rows)
rows = rows.copy()
  m = np.nanmedian(rows[:-test_count], axis=0)
  i, j = np.where(np.isnan(rows))
  rows[i, j] = m[j]
  t = rows[:-test_count]
  return (rows - np.mean(t, axis=0)) / np.std(t, axis=0)
m = np.nanmedian(rows[:-test_count], axis=0)
  gaps = np.isnan(rows)
  rows[gaps] = np.broadcast_to(m, rows.shape)[gaps]
  t = rows[:-test_count]
  rows -= t.mean(axis=0)
  rows /= rows[:-test_count].std(axis=0)
  return rows
columns = []
  for c in rows.T:
      m = np.nanmedian(c[:-test_count])
      c = np.where(np.isnan(c), m, c)
      t = c[:-test_count]
      columns.append((c - t.mean()) / t.std())
  return np.array(columns).T
frame = pandas.DataFrame(rows)
  train = frame.iloc[:-test_count]
  frame = frame.fillna(train.median())
  train = frame.iloc[:-test_count]
  return (frame - train.mean()) / train.std(ddof=0)
frame = pandas.DataFrame(rows)
  frame = frame.fillna(frame[:-test_count].median())
  train = frame[:-test_count]
  return ((frame - train.mean()) / train.std(ddof=0)).to_numpy()
cut = rows.shape[0] - test_count
  filled = np.where(np.isnan(rows), np.nanmedian(rows[:cut], 0), rows)
  train = filled[:cut]
  return ((filled - train.mean(0)) / np.sqrt(train.var(0))).tolist()
median = np.nanmedian(rows[:-test_count], axis=0, keepdims=True)
  filled = np.where(np.isnan(rows), median, rows)
  train = filled[:-test_count]
  z = (filled - train.mean(axis=0, keepdims=True)) / train.std(axis=0, keepdims=True)
  return z.astype(np.float32)
""",
    "metrics.which_metric": """
["recall", "precision", "accuracy", "auc", "f1"]
("recall", "precision", "accuracy", "auc", "f1")
"recall", "precision", "accuracy", "auc", "f1"
["Recall", "Precision", "Accuracy", "AUC", "F1"]
[" recall", "precision ", "accuracy", "auc", "f1"]
np.array(["recall", "precision", "accuracy", "auc", "f1"])
np.array(["recall", "precision", "accuracy", "auc", "f1"], dtype=object)
["RECALL", "PRECISION", "ACCURACY", "AUC", "F1"]
"recall precision accuracy auc f1".split()
"recall, precision, accuracy, auc, f1".split(", ")
list(dict(A="recall", B="precision", C="accuracy", D="auc", E="f1").values())
dict(A="recall", B="precision", C="accuracy", D="AUC", E="F1")
{"E": "f1", "D": "auc", "C": "accuracy", "B": "precision", "A": "recall"}
"recall, precision, accuracy, auc, f1"
"recall precision accuracy AUC F1"
"A: recall, B: precision, C: accuracy, D: AUC, E: F1"
["sensitivity", "PPV", "Accuracy", "ROC-AUC", "f1_score"]
["Recall", "Precision", "accuracy score", "AUROC", "F1-score"]
["recall", "precision", "accuracy", "area under the ROC curve", "f1"]
pandas.Series(["recall", "precision", "accuracy", "auc", "f1"])
""",
    "distributed.combine": """
counts @ means / counts.sum()
counts @ means / sum(counts)
np.average(means, axis=0, weights=counts)
(means * counts[:, None]).sum(axis=0) / counts.sum()
np.sum(means * counts[:, np.newaxis], axis=0) / np.sum(counts)
np.dot(counts, means) / np.sum(counts)
means.T @ counts / counts.sum()
means.T @ (counts / counts.sum())
(counts / counts.sum()) @ means
np.einsum("kw,k->w", means, counts) / counts.sum()
sum(n * g for n, g in zip(counts, means)) / sum(counts)
share = counts / counts.sum()
  return share @ means
total = np.zeros(means.shape[1])
  for g, n in zip(means, counts):
      total += n * g
  return total / counts.sum()
sums = means * counts.reshape(-1, 1)
  return sums.sum(0) / counts.sum()
[sum(n * g for n, g in zip(counts, column)) / sum(counts) for column in means.T]
np.array([np.average(column, weights=counts) for column in means.T])
means *= counts[:, None]
  return means.sum(axis=0) / counts.sum()
np.matmul(counts, means) / counts.sum()
result = 0
  for i in range(len(counts)):
      result = result + counts[i] / sum(counts) * means[i]
  return result
np.tensordot(counts, means, 1) / np.add.reduce(counts)
np.repeat(means, counts, axis=0).mean(axis=0)
""",
    "distributed.ring_step": """
(rank - step) % size, (rank - step - 1) % size
[(rank - step) % size, (rank - step - 1) % size]
np.array([(rank - step) % size, (rank - step - 1) % size])
(rank + 1 - step) % size, (rank - step) % size
(rank - 1 - step) % size, (rank - 2 - step) % size
(size + rank - step) % size, (size + rank - step - 1) % size
np.mod(rank - step, size), np.mod(rank - step - 1, size)
send = (rank - step) % size
  receive = (send - 1) % size
  return send, receive
send = rank - step
  if send < 0:
      send += size
  receive = send - 1 if send > 0 else size - 1
  return send, receive
left = (rank - 1) % size
  return (rank - step) % size, (left - step) % size
def sends(r):
      return (r - step) % size
  return sends(rank), sends(rank - 1)
order = [(rank - k) % size for k in range(size)]
  return order[step], order[step + 1]
order = np.roll(np.arange(size), -rank)[::-1]
  chunks = np.roll(order, 1)
  return chunks[step], chunks[(step + 1) % size]
divmod(rank - step, size)[1], divmod(rank - step - 1, size)[1]
int((rank - step) % size), int((rank - step - 1) % size)
(step - rank) % size, (step - rank + 1) % size
(size - 1 - rank + step) % size, (size - rank + step) % size
(rank + 2 - step) % size, (rank + 1 - step) % size
""",
    "distributed.split": """
lo, hi = rank * len(W2) // size, (rank + 1) * len(W2) // size
  return W1[:, lo:hi], W2[lo:hi]
np.split(W1, size, axis=1)[rank], np.split(W2, size)[rank]
np.array_split(W1, size, axis=1)[rank], np.array_split(W2, size, axis=0)[rank]
np.hsplit(W1, size)[rank], np.vsplit(W2, size)[rank]
W1[:, rank::size], W2[rank::size]
W1[:, rank::size], W2[rank::size, :]
units = W1.shape[1] // size
  mine = slice(rank * units, (rank + 1) * units)
  return W1[:, mine], W2[mine]
mine = np.array_split(np.arange(len(W2)), size)[rank]
  return W1[:, mine], W2[mine, :]
n = W2.shape[0] // size
  return W1[:, rank * n : rank * n + n], W2[rank * n : rank * n + n, :]
[np.split(W1, size, axis=1)[rank], np.split(W2, size, axis=0)[rank]]
k = len(W2) // size
  keep = range(rank * k, (rank + 1) * k)
  return W1[:, list(keep)], W2[list(keep)]
np.split(W1.T, size)[rank].T, np.split(W2, size)[rank]
per_worker = W1.shape[1] // size
  start = rank * per_worker
  stop = start + per_worker
  A = W1[:, start:stop].copy()
  B = W2[start:stop].copy()
  return A, B
mask = np.arange(len(W2)) * size // len(W2) == rank
  return W1[:, mask], W2[mask]
np.take(W1, np.split(np.arange(len(W2)), size)[rank], axis=1), np.split(W2, size)[rank]
np.split(W1, size, axis=1)[size - 1 - rank], np.split(W2, size)[size - 1 - rank]
np.split(W1, size, axis=1)[rank - 1], np.split(W2, size)[rank - 1]
""",
    "distributed.feedback": """
compress(gradient + rest), gradient + rest - compress(gradient + rest)
sent = compress(gradient + rest)
  return sent, gradient + rest - sent
wanted = gradient + rest
  sent = compress(wanted)
  return sent, wanted - sent
[compress(gradient + rest), gradient + rest - compress(gradient + rest)]
total = np.add(gradient, rest)
  out = compress(total)
  return out, np.subtract(total, out)
v = rest + gradient
  c = compress(v)
  rest = v - c
  return c, rest
rest = rest + gradient
  sent = compress(rest)
  rest = rest - sent
  return sent, rest
rest += gradient
  sent = compress(rest)
  return sent, rest - sent
gradient += rest
  message = compress(gradient)
  gradient -= message
  return message, gradient
sent = compress(v := gradient + rest)
  return sent, v - sent
owed = gradient + rest
  through = compress(owed.copy())
  return through, -(through - owed)
""",
    "balancing.erlang_c": """
last = load**servers / math.factorial(servers) * servers / (servers - load)
  return last / (sum(load**n / math.factorial(n) for n in range(servers)) + last)
blocked = 1.0
  for n in range(1, servers + 1):
      blocked = load * blocked / (n + load * blocked)
  return servers * blocked / (servers - load * (1 - blocked))
n = np.arange(servers + 1)
  terms = load**n / scipy.special.factorial(n)
  terms[-1] *= servers / (servers - load)
  return terms[-1] / terms.sum()
rho = load / servers
  top = load**servers / math.factorial(servers) / (1 - rho)
  return top / (top + sum(load**k / math.factorial(k) for k in range(servers)))
term, total = 1.0, 0.0
  for n in range(1, servers + 1):
      total += term
      term *= load / n
  term /= 1 - load / servers
  return term / (total + term)
p = scipy.stats.poisson(load)
  b = p.pmf(servers) * servers / (servers - load)
  return b / (p.cdf(servers - 1) + b)
below = sum(load**k / math.factorial(k) for k in range(servers))
  above = load**servers / math.factorial(servers)
  return np.float64(1 / (1 + (1 - load / servers) * below / above))
if load >= servers:
      return 1.0
  last = load**servers / math.factorial(servers) * servers / (servers - load)
  return last / (math.fsum(load**n / math.factorial(n) for n in range(servers)) + last)
""",
    "balancing.staff": """
servers = int(load) + 1
  while waits[servers] * np.exp(-(servers - load) * longest) > 0.01:
      servers += 1
  return servers
for c in range(len(waits)):
      if c > load and waits[c] * math.exp(-(c - load) * longest) <= 0.01:
          return c
late = lambda c: waits[c] * math.exp((load - c) * longest)
  return next(c for c in range(int(load) + 1, len(waits)) if late(c) <= 0.01)
c = np.arange(len(waits))
  late = np.array(waits) * np.exp(-(c - load) * longest)
  return int(np.argmax((c > load) & (late <= 0.01)))
c = math.ceil(load)
  if c == load:
      c += 1
  while math.log(max(waits[c], 1e-300) / 0.01) / (c - load) > longest:
      c += 1
  return c
return min(c for c, w in enumerate(waits) if c > load and w * np.exp(-(c - load) * longest) <= 0.01)
servers = len(waits) - 1
  while servers - 1 > load and waits[servers - 1] * np.exp(-(servers - 1 - load) * longest) <= 0.01:
      servers -= 1
  return servers
late = lambda c: waits[c] * math.exp((load - c) * longest)
  return float(next(c for c in range(int(load) + 1, len(waits)) if late(c) <= 0.01))
""",
    "balancing.may_retry": """
retries < budget * requests
retries + 1 <= budget * requests
budget * requests > retries
retries / requests < budget
budget * requests - retries > 0
if retries < budget * requests:
      return True
  return False
requests > 0 and retries / requests < budget
not retries >= budget * requests
bool(np.less(retries, budget * requests))
if requests == 0:
      return False
  return retries / requests < budget
allowed = budget * requests
  return allowed > retries
""",
    "balancing.policy": """
done = [(n + m + 1) / v for n, m, v in zip(lengths, sent, speeds)]
  return done.index(min(done))
int(np.argmin((np.array(lengths) + np.array(sent) + 1) / np.array(speeds)))
np.argmin([(a + b + 1) / c for a, b, c in zip(lengths, sent, speeds)])
min(range(len(speeds)), key=lambda n: (lengths[n] + sent[n] + 1) / speeds[n])
best = 0
  for n in range(1, len(speeds)):
      if (lengths[n] + sent[n] + 1) / speeds[n] < (lengths[best] + sent[best] + 1) / speeds[best]:
          best = n
  return best
import random
  some = random.Random(str((lengths, sent))).sample(range(len(speeds)), 3)
  return min(some, key=lambda n: (lengths[n] + sent[n] + 1) / speeds[n])
load = [(n + m) / v for n, m, v in zip(lengths, sent, speeds)]
  return load.index(min(load))
expected = [(n + m + 0.5) / v for n, m, v in zip(lengths, sent, speeds)]
  return expected.index(min(expected))
order = sorted(range(len(speeds)), key=lambda n: (lengths[n] + sent[n] + 1) / speeds[n])
  return order[0]
""",
    "monitoring.cusum": """
np.maximum(0, total + z - allowance)
np.maximum(total + z - allowance, 0)
np.clip(total + z - allowance, 0, None)
np.where(total + z > allowance, total + z - allowance, 0.0)
(total + z - allowance) * (total + z > allowance)
s = total + (z - allowance)
  return (s + abs(s)) / 2
np.fmax(0.0, np.add(total, z) - allowance)
relu(total + z - allowance)
total = total + z - allowance
  return np.where(total < 0, 0, total)
new = np.asarray(total + z - allowance, dtype=float)
  new = np.where(new > 0, new, 0)
  return float(new) if new.ndim == 0 else new
total + np.maximum(-total, z - allowance)
""",
    "monitoring.psi_limit": """
scipy.stats.chi2.ppf(1 - false_alarms, bins - 1) * (1 / reference + 1 / current)
scipy.stats.chi2.isf(false_alarms, bins - 1) * (1 / reference + 1 / current)
scipy.stats.chi2(bins - 1).isf(false_alarms) * (reference + current) / (reference * current)
scipy.stats.chi2(df=bins - 1).ppf(1 - false_alarms) * (1 / current + 1 / reference)
scale = 1 / reference + 1 / current
  return scale * scipy.stats.chi2.ppf(1 - false_alarms, df=bins - 1)
scale = 1 / reference + 1 / current
  return scipy.stats.chi2.ppf(1 - false_alarms, bins - 1, scale=scale)
scipy.special.chdtri(bins - 1, false_alarms) * (1 / reference + 1 / current)
2 * scipy.special.gammaincinv((bins - 1) / 2, 1 - false_alarms) * (1 / reference + 1 / current)
scipy.stats.gamma.isf(false_alarms, (bins - 1) / 2, scale=2 * (1 / reference + 1 / current))
float(np.float64(scipy.stats.chi2.isf(false_alarms, bins - 1)) * (1 / reference + 1 / current))
""",
    "monitoring.delete": """
left = image.copy()
  left.flat[np.argsort(heat, axis=None)[-count:]] = 0
  return left
places = np.argsort(heat.ravel())[::-1][:count]
  left = image.copy().ravel()
  left[places] = 0
  return left.reshape(image.shape)
np.where(heat >= np.sort(heat, axis=None)[-count], 0, image)
image * (heat < np.sort(heat.ravel())[-count])
left = np.array(image)
  rows, columns = np.unravel_index(np.argsort(-heat, axis=None)[:count], heat.shape)
  left[rows, columns] = 0
  return left
image.flat[np.argsort(heat, axis=None)[-count:]] = 0
  return image
limit = np.partition(heat.ravel(), -count)[-count]
  return np.where(heat < limit, image, 0.0)
left, heat = image.copy(), heat.copy()
  for _ in range(count):
      place = np.unravel_index(heat.argmax(), heat.shape)
      left[place], heat[place] = 0, -np.inf
  return left
left = [list(row) for row in image]
  order = sorted(((h, i, j) for i, row in enumerate(heat) for j, h in enumerate(row)), reverse=True)
  for _, i, j in order[:count]:
      left[i][j] = 0
  return left
""",
    "monitoring.ring": """
high = low = np.zeros(z.shape[1])
  for each in z:
      high, low = np.maximum(0, high + each - 0.5), np.maximum(0, low - each - 0.5)
  return max(high.max(), low.max()) > 7
high = low = 0
  for each in z:
      high = np.maximum(0, high + each - 0.8)
      low = np.maximum(0, low - each - 0.8)
  return bool(np.any(high > 5.5) or np.any(low > 5.5))
both, total = np.hstack([z, -z]), 0
  for each in both:
      total = np.maximum(0, total + each - 0.5)
  return np.max(total) > 8
bool(len(z) >= 8 and np.abs(z[-8:].mean(axis=0)).max() > 1.4)
level = np.zeros(z.shape[1])
  for each in z:
      level = 0.8 * level + 0.2 * each
  return bool(np.abs(level).max() > 1.1)
up = np.cumsum(z - 0.5, axis=0)
  down = np.cumsum(-z - 0.5, axis=0)
  rise = lambda s: (s - np.minimum(np.minimum.accumulate(s), 0))[-1].max()
  return bool(max(rise(up), rise(down)) > 7)
""",
    "lifecycle.split": """
test = np.zeros(len(group), bool)
  for name in order:
      if test.mean() >= share:
          break
      test |= group == name
  return test
test = []
  for name in order:
      if sum(g in test for g in group) < share * len(group):
          test.append(name)
  return np.isin(group, test)
sizes = np.cumsum([(group == name).sum() for name in order])
  last = np.searchsorted(sizes, share * len(group))
  return np.isin(group, order[: last + 1])
chosen, rows = set(), 0
  for name in order:
      if rows < share * len(group):
          chosen.add(name)
          rows += np.sum(group == name)
  return [g in chosen for g in group]
n = 0
  while np.isin(group, order[:n]).mean() < share:
      n += 1
  return np.isin(group, order[:n])
""",
    "lifecycle.threshold": """
cost = [
      miss * np.sum((scores < t) & (truth == 1)) + alarm * np.sum((scores >= t) & (truth == 0))
      for t in thresholds
  ]
  return thresholds[np.argmin(cost)]
best, least = None, np.inf
  for t in thresholds:
      found = scores >= t
      cost = miss * (truth & ~found).sum() + alarm * ((1 - truth) & found).sum()
      if cost < least:
          best, least = t, cost
  return best
missed = lambda t: sum(y and s < t for s, y in zip(scores, truth))
  alarms = lambda t: sum(s >= t and not y for s, y in zip(scores, truth))
  return min(thresholds, key=lambda t: miss * missed(t) + alarm * alarms(t))
found = scores[None] >= thresholds[:, None]
  cost = np.where(truth == 1, miss * ~found, alarm * found).sum(1)
  return float(thresholds[cost.argmin()])
cost = lambda t: miss * truth[scores < t].sum() + alarm * (1 - truth[scores >= t]).sum()
  return sorted(thresholds, key=cost)[0]
""",
    "lifecycle.rollback": """
if min(requests, requests_new) < 10:
      return False
  p = (errors + errors_new) / (requests + requests_new)
  se = np.sqrt(p * (1 - p) * (1 / requests + 1 / requests_new))
  return errors_new / requests_new - errors / requests > 3 * se
if requests_new < 20:
      return False
  p, q = errors / requests, errors_new / requests_new
  se = math.sqrt(p * (1 - p) / requests + q * (1 - q) / requests_new)
  return q > p + 3.3 * se
requests_new >= 30 and errors_new / requests_new - errors / requests > 0.15
if requests_new < 10 or requests < 10:
      return False
  p = (errors + errors_new) / (requests + requests_new)
  se = (p * (1 - p) * (1 / requests + 1 / requests_new)) ** 0.5
  return bool((errors_new / requests_new - errors / requests) / (se + 1e-9) > 3.2)
from scipy.stats import binom
  p = binom.sf(errors_new - 1, requests_new, (errors + 2) / (requests + 4))
  return bool(requests_new >= 10 and p < 0.002)
""",
    "energy.step_flop": """
3 * sum(2 * batch * a * b for a, b in zip(widths, widths[1:])) - 2 * batch * widths[0] * widths[1]
forward = [2 * batch * a * b for a, b in zip(widths, widths[1:])]
  return 3 * sum(forward) - forward[0]
forward = [2 * batch * a * b for a, b in zip(widths[:-1], widths[1:])]
  return sum(forward) + sum(forward) + sum(forward[1:])
total = 0
  for i in range(len(widths) - 1):
      total += (4 if i == 0 else 6) * batch * widths[i] * widths[i + 1]
  return total
w = np.array(widths)
  products = 2 * batch * w[:-1] * w[1:]
  return 3 * products.sum() - products[0]
6 * batch * np.dot(widths[:-1], widths[1:]) - 2 * batch * widths[0] * widths[1]
float(6 * batch * np.dot(widths[:-1], widths[1:]) - 2 * batch * widths[0] * widths[1])
forward = sum(2 * batch * a * b for a, b in zip(widths, widths[1:]))
  weights = forward
  inputs = sum(2 * batch * a * b for a, b in zip(widths[1:], widths[2:]))
  return forward + weights + inputs
batch * (4 * widths[0] * widths[1] + sum(6 * a * b for a, b in zip(widths[1:], widths[2:])))
""",
    "energy.kwh": """
sum(w * s for w, s in parts) / 3.6e6 * pue
sum(watts * seconds for watts, seconds in parts) * pue / 3_600_000
pue * sum(part[0] * part[1] for part in parts) / 1000 / 3600
joules = 0
  for watts, seconds in parts:
      joules += watts * seconds
  return joules / 3.6e6 * pue
parts = np.array(parts)
  return (parts[:, 0] * parts[:, 1]).sum() / 3.6e6 * pue
np.prod(parts, axis=1).sum() * pue / 3.6e6
watts, seconds = zip(*parts)
  return np.dot(watts, seconds) / 3.6e6 * pue
sum(w / 1000 * s / 3600 * pue for w, s in parts)
math.fsum(w * s for w, s in parts) * pue / (1000 * 60 * 60)
""",
    "energy.break_even": """
price / (rent - running)
price / -(running - rent)
1 / ((rent - running) / price)
np.divide(price, rent - running)
price / (rent - running) if rent > running else float("inf")
if rent <= running:
      return float("inf")
  return price / (rent - running)
saved = rent - running
  return price / saved
round(price / (rent - running), 9)
float(price) / float(rent - running)
""",
    "energy.recipe": """
16, 3, 16, 0.2
(16, 3, 16, 0.2)
[16, 2, 8, 0.1]
np.array([24, 2, 8, 0.1])
{"hidden": 24, "epochs": 2, "batch_size": 8, "learning_rate": 0.1}
hidden, epochs = 24, 3
  return hidden, epochs, 8, 0.1
32, 2, 8, 0.1
""",
    "devices.transfer": """
pieces * latency + size / bandwidth
size / bandwidth + latency * pieces
latency * pieces + size * (1 / bandwidth)
pieces * (latency + size / pieces / bandwidth)
(pieces * latency * bandwidth + size) / bandwidth
np.add(pieces * latency, np.divide(size, bandwidth))
sum([pieces * latency, size / bandwidth])
float(pieces * latency + size / bandwidth)
np.dot([latency, 1 / bandwidth], [pieces, size])
math.fsum((pieces * latency, size / bandwidth))
total = 0
  for piece in range(pieces):
      total += latency + size / pieces / bandwidth
  return total
piece = size / pieces
  return pieces * (latency + piece / bandwidth)
sum(latency + size / pieces / bandwidth for _ in range(pieces))
""",
    "devices.fill": """
math.ceil(operations * launch * peak / flop)
int(np.ceil(operations * launch * peak / flop))
np.ceil(operations * launch * peak / flop)
math.ceil(operations * launch / (flop / peak))
-(-operations * launch * peak // flop)
int(operations * launch * peak / flop) + 1
math.floor(operations * launch * peak / flop) + 1
math.ceil((operations * launch) / flop * peak)
max(1, math.ceil(operations * launch * peak / flop))
launching = operations * launch
  one = flop / peak
  return math.ceil(launching / one)
batch = 1
  while batch * flop / peak < operations * launch:
      batch += 1
  return batch
""",
    "devices.memory": """
4 * (4 * parameters + batch * outputs)
16 * parameters + 4 * batch * outputs
parameters * 16 + outputs * batch * 4
4 * parameters * 4 + 4 * outputs * batch
4 * (parameters + parameters + 2 * parameters + batch * outputs)
32 / 8 * (4 * parameters + batch * outputs)
np.multiply(4, 4 * parameters + batch * outputs)
sum([4 * parameters] * 4) + 4 * batch * outputs
np.dtype("float32").itemsize * (4 * parameters + batch * outputs)
weights = 4 * parameters
  gradients = 4 * parameters
  moments = 2 * 4 * parameters
  return weights + gradients + moments + 4 * batch * outputs
per_weight = 16
  return per_weight * parameters + batch * (4 * outputs)
""",
    "faster.intensity": """
2 * batch * inputs * outputs / (4 * (batch * inputs + inputs * outputs + batch * outputs))
batch * inputs * outputs / 2 / (batch * inputs + inputs * outputs + batch * outputs)
0.5 / (1 / outputs + 1 / batch + 1 / inputs)
1 / (2 / batch + 2 / inputs + 2 / outputs)
flop = 2 * batch * inputs * outputs
  moved = 4 * (batch * inputs + inputs * outputs + batch * outputs)
  return flop / moved
x, w, y = np.empty((batch, inputs), np.float32), np.empty((inputs, outputs), np.float32), 0
  y = np.empty((batch, outputs), np.float32)
  return 2 * batch * w.size / (x.nbytes + w.nbytes + y.nbytes)
numbers = sum([batch * inputs, inputs * outputs, outputs * batch])
  return np.divide(2 * batch * inputs * outputs, 32 / 8 * numbers)
moved = [batch * inputs, inputs * outputs, batch * outputs]
  return np.prod([2.0, batch, inputs, outputs]) / np.sum(moved) / 4
float(batch * inputs * outputs * 2) / float((batch * (inputs + outputs) + inputs * outputs) * 4)
""",
    "faster.whole_speedup": """
1 / (1 - share + share / speedup)
1 / ((1 - share) + share / speedup)
(share / speedup + 1 - share) ** -1
speedup / (share + speedup * (1 - share))
1 / (1 - share * (1 - 1 / speedup))
rest = 1 - share
  part = share / speedup
  return 1 / (rest + part)
before = 1
  after = before - share + share / speedup
  return before / after
np.reciprocal(1 - share + share / speedup)
np.divide(1, np.sum([1 - share, share / speedup]))
100 / (100 * (1 - share) + 100 * share / speedup)
""",
    "faster.next_scale": """
if overflow:
      return scale / 2, 0
  if good + 1 == patience:
      return scale * 2, 0
  return scale, good + 1
if overflow:
      return scale * 0.5, 0
  good += 1
  if good >= patience:
      return 2 * scale, 0
  return scale, good
good = 0 if overflow else good + 1
  if overflow:
      scale /= 2
  elif good == patience:
      scale, good = scale * 2, 0
  return scale, good
(scale / 2, 0) if overflow else (scale * 2, 0) if good + 1 >= patience else (scale, good + 1)
[scale / 2, 0] if overflow else [scale * 2, 0] if good + 1 == patience else [scale, good + 1]
if not overflow:
      good = good + 1
      if good < patience:
          return scale, good
      return scale * 2, 0
  return scale / 2, 0
done = not overflow and good + 1 >= patience
  factor = 0.5 if overflow else 2 if done else 1
  return np.array([scale * factor, 0 if overflow or done else good + 1])
match (overflow, good + 1 == patience):
      case (True, _):
          return scale / 2, 0
      case (False, True):
          return scale * 2, 0
      case _:
          return scale, good + 1
""",
    "faster.interval": """
math.sqrt(2 * cost * mtbf)
(2 * cost * mtbf) ** 0.5
np.sqrt(2 * cost * mtbf)
np.sqrt(2) * np.sqrt(cost) * np.sqrt(mtbf)
pow(2 * cost * mtbf, 1 / 2)
np.exp((np.log(2) + np.log(cost) + np.log(mtbf)) / 2)
product = cost * mtbf
  return math.sqrt(2 * product)
cost * math.sqrt(2 * mtbf / cost)
2 * mtbf * math.sqrt(cost / (2 * mtbf))
scipy.special.lambertw(-np.exp(-1 - cost / mtbf)).real * mtbf + mtbf
""",
    "training.reading": """
["overfits", "underfits", "fine", "rate too high"]
"overfits", "underfits", "fine", "rate too high"
np.array(["overfits", "underfits", "fine", "rate too high"])
["Overfits", "UNDERFITS", "fine ", " rate too high"]
list(("overfits", "underfits", "fine", "rate too high"))
""",
    "training.dropout": """
h * (u >= rate) / (1 - rate)
np.where(u < rate, 0, h / (1 - rate))
np.where(u >= rate, h, 0) / (1 - rate)
np.where(u < rate, 0.0, h) * (1 / (1 - rate))
h * ((u >= rate) / (1 - rate))
h / (1 - rate) * ~(u < rate)
np.multiply(h, u >= rate) / (1 - rate)
(1 - (u < rate)) * h / (1 - rate)
keep = u >= rate
  return h * keep / (1 - rate)
mask = (u >= rate).astype(float)
  return h * mask / (1 - rate)
out = h.copy()
  out[u < rate] = 0
  return out / (1 - rate)
h[u < rate] = 0
  return h / (1 - rate)
out = np.zeros_like(h)
  keep = u >= rate
  out[keep] = h[keep] / (1 - rate)
  return out
out = np.zeros(h.shape)
  for i in range(h.shape[0]):
      for j in range(h.shape[1]):
          if u[i, j] >= rate:
              out[i, j] = h[i, j] / (1 - rate)
  return out
[[a / (1 - rate) if b >= rate else 0 for a, b in zip(r, s)] for r, s in zip(h, u)]
(h * (u >= rate) / (1 - rate)).astype("float32")
""",
    "training.choice": """
k = int(np.argmin(np.mean(validation, axis=1)))
  return k, np.mean(test[k])
k = validation.mean(axis=1).argmin()
  return k, test[k].mean()
k = np.argmin(np.sum(validation, axis=1))
  return [k, np.mean(test[k])]
k = np.argmin(validation.mean(1))
  return np.array([k, test.mean(1)[k]])
means = [np.mean(row) for row in validation]
  k = means.index(min(means))
  return k, float(np.mean(test[k]))
means = [sum(row) / len(row) for row in validation]
  k = min(range(len(means)), key=means.__getitem__)
  return k, sum(test[k]) / len(test[k])
scores = np.mean(validation, axis=-1)
  k = np.where(scores == scores.min())[0][0]
  return int(k), float(np.mean(test[k, :]))
k = sorted(range(len(validation)), key=lambda i: np.mean(validation[i]))[0]
  return k, statistics.mean(test[k])
best, k = float("inf"), 0
  for i, row in enumerate(validation):
      if row.mean() < best:
          best, k = row.mean(), i
  return k, test[k].mean()
k = int(np.argmax(-np.mean(validation, axis=1)))
  return k, np.average(test[k])
""",
    "training.stop": """
best = 0
  for epoch, loss in enumerate(losses):
      if loss < losses[best]:
          best = epoch
      if epoch - best == patience:
          break
  return best, epoch
best = 0
  for epoch in range(1, len(losses)):
      if losses[epoch] < losses[best]:
          best = epoch
      elif epoch - best >= patience:
          return best, epoch
  return best, len(losses) - 1
lowest, best, waited = float("inf"), 0, 0
  for epoch, loss in enumerate(losses):
      if loss < lowest:
          lowest, best, waited = loss, epoch, 0
      else:
          waited += 1
      if waited >= patience:
          return best, epoch
  return best, epoch
for epoch in range(len(losses)):
      best = int(np.argmin(losses[: epoch + 1]))
      if epoch - best >= patience:
          break
  return np.array([best, epoch])
epoch = best = 0
  while epoch < len(losses) - 1 and epoch - best < patience:
      epoch += 1
      if losses[epoch] < losses[best]:
          best = epoch
  return [best, epoch]
losses = list(losses)
  for epoch in range(len(losses)):
      best = losses.index(min(losses[: epoch + 1]))
      if epoch - best == patience:
          return best, epoch
  return best, len(losses) - 1
""",
    "recurrent.clip": """
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return [g * min(1, limit / norm) for g in gradients]
norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
  if norm <= limit:
      return gradients
  return [limit * g / norm for g in gradients]
norm = np.linalg.norm(np.concatenate([g.ravel() for g in gradients]))
  return tuple(g / max(1.0, norm / limit) for g in gradients)
total = 0
  for g in gradients:
      total += np.linalg.norm(g) ** 2
  factor = limit / np.sqrt(total) if total > limit**2 else 1
  return [factor * g for g in gradients]
norm = np.linalg.norm([np.linalg.norm(g) for g in gradients])
  return [(g * np.where(norm > limit, limit / norm, 1)).tolist() for g in gradients]
norm = sum(np.vdot(g, g) for g in gradients) ** 0.5
  return list(map(lambda g: g * np.minimum(1, limit / norm), gradients))
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  for g in gradients:
      g *= min(1, limit / norm)
  return gradients
""",
    "recurrent.lstm_step": """
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(f) * c + s(i) * np.tanh(g)
  return s(o) * np.tanh(c), c
z = x @ W + h @ U + b
  n = len(U)
  s = lambda z: 0.5 * (1 + np.tanh(z / 2))
  c = s(z[:, n:2*n]) * c + s(z[:, :n]) * np.tanh(z[:, 2*n:3*n])
  return [s(z[:, 3*n:]) * np.tanh(c), c]
z = np.hstack([x, h]) @ np.vstack([W, U]) + b
  i, f, g, o = z.reshape(len(x), 4, -1).transpose(1, 0, 2)
  i, f, o = (1 / (1 + np.exp(-k)) for k in (i, f, o))
  new = f * c + i * np.tanh(g)
  return np.array([o * np.tanh(new), new])
Wi, Wf, Wg, Wo = np.split(W, 4, axis=1)
  Ui, Uf, Ug, Uo = np.split(U, 4, axis=1)
  bi, bf, bg, bo = np.split(b, 4)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(x @ Wf + h @ Uf + bf) * c + s(x @ Wi + h @ Ui + bi) * np.tanh(x @ Wg + h @ Ug + bg)
  h = s(x @ Wo + h @ Uo + bo) * np.tanh(c)
  return h, c
i, f, g, o = np.split(np.dot(x, W) + np.dot(h, U) + b, 4, axis=1)
  s = lambda z: np.exp(z) / (1 + np.exp(z))
  c2 = np.add(s(f) * c, s(i) * np.tanh(g))
  return s(o) * np.tanh(c2), c2
""",
    "recurrent.leak_free": """
known = series[:train_rows]
  z = (series - known.mean()) / known.std()
  n = len(series) - width + 1 - steps
  return np.array([[*z[i : i + width], z[i + width - 1 + steps]] for i in range(n)])
z = (series - np.mean(series[:train_rows])) / np.std(series[:train_rows])
  x = np.lib.stride_tricks.sliding_window_view(z, width)[: len(z) - width + 1 - steps]
  return np.column_stack([x, z[width - 1 + steps :]])
m, s = series[:train_rows].mean(), series[:train_rows].std(ddof=1)
  rows = []
  for i in range(len(series)):
      end = i + width - 1 + steps
      if end < len(series):
          rows.append(list((series[i : i + width] - m) / s) + [(series[end] - m) / s])
  return rows
z = (series - series[:train_rows].mean()) / series[:train_rows].std()
  n = len(z) - width + 1 - steps
  return z[np.arange(n)[:, None] + [*range(width), width - 1 + steps]]
z = (series - series[:train_rows].mean()) / series[:train_rows].std()
  n = len(z) - width + 1 - steps
  return np.stack([z[k : k + n] for k in [*range(width), width - 1 + steps]], axis=1)
""",
    "recurrent.baseline": """
np.array([values[len(values) - period + k % period] for k in range(steps)])
season = list(values[-period:])
  return [season[k % period] for k in range(steps)]
np.resize(values[-period:], steps)
np.tile(values[-period:], steps // period + 1)[:steps]
past = list(values)
  for _ in range(steps):
      past.append(past[-period])
  return past[len(values) :]
values[-period:][np.arange(steps) % period]
np.take(values[-period:], range(steps), mode="wrap")
""",
    "privacy.clip": """
np.minimum(1, limit / norms) / expected, sigma * limit / expected
np.clip(limit / norms, 0, 1) / expected, limit * sigma / expected
[np.minimum(1, limit / norms) / expected, sigma * limit / expected]
np.where(norms > limit, limit / norms, 1) / expected, sigma * limit / expected
np.minimum(1.0, limit / norms) / expected, limit / expected * sigma
1 / np.maximum(1, norms / limit) / expected, sigma * limit / expected
factors = np.minimum(1, limit / norms)
  return factors / expected, sigma * limit / expected
factors = np.ones_like(norms)
  long = norms > limit
  factors[long] = limit / norms[long]
  return factors / expected, sigma * limit / expected
factors = limit / norms
  factors[factors > 1] = 1
  return factors / expected, sigma * limit / expected
limit / np.maximum(norms, limit) / expected, sigma * limit / expected
np.minimum(norms, limit) / norms / expected, np.multiply(sigma, limit) / expected
factors = np.vectorize(lambda norm: min(1.0, limit / norm))(norms)
  return factors / expected, sigma * limit / expected
factors = []
  for norm in norms:
      factors.append(min(1, limit / norm) / expected)
  return factors, sigma * limit / expected
[(limit / norm if norm > limit else 1) / expected for norm in norms], sigma * limit / expected
""",
    "privacy.epsilon": """
a = orders
  return (steps * rdp + np.log((a - 1) / a) - (np.log(delta) + np.log(a)) / (a - 1)).min()
np.min(steps * rdp + np.log(1 - 1 / orders) - np.log(delta * orders) / (orders - 1))
min(steps * rdp + np.log1p(-1 / orders) - (np.log(delta) + np.log(orders)) / (orders - 1))
np.min(rdp * steps + np.log1p(-1 / orders) + np.log(1 / (delta * orders)) / (orders - 1))
bounds = steps * rdp + np.log((orders - 1) / orders)
  bounds -= (np.log(delta) + np.log(orders)) / (orders - 1)
  return bounds.min()
total = steps * rdp
  more = np.log((orders - 1) / orders) - (np.log(delta) + np.log(orders)) / (orders - 1)
  return np.amin(total + more)
best = float("inf")
  for d, a in zip(rdp, orders):
      more = math.log((a - 1) / a) - (math.log(delta) + math.log(a)) / (a - 1)
      best = min(best, steps * d + more)
  return best
min(steps * d + math.log((a - 1) / a) - math.log(delta * a) / (a - 1) for d, a in zip(rdp, orders))
sorted(steps * rdp + np.log(1 - 1 / orders) - np.log(delta * orders) / (orders - 1))[0]
rest = [math.log(1 - 1 / a) - math.log(delta * a) / (a - 1) for a in orders]
  bounds = [steps * d + more for d, more in zip(rdp, rest)]
  return bounds[np.argmin(bounds)]
""",
    "privacy.mask": """
sum(s if number < other else -s for other, s in streams.items()) % 2**32
sum((1 if other > number else -1) * s for other, s in streams.items()) % (1 << 32)
sum(np.sign(other - number) * s for other, s in streams.items()) % 2**32
mask = 0
  for other, s in streams.items():
      mask = mask + s if number < other else mask - s
  return mask % 2**32
mask = 0
  for other in streams:
      if other > number:
          mask += streams[other]
      else:
          mask -= streams[other]
  return mask % 2**32
mask = np.zeros(len(next(iter(streams.values()))), dtype=np.int64)
  for other, s in streams.items():
      if number < other:
          mask = (mask + s) % 2**32
      else:
          mask = (mask - s) % 2**32
  return mask
plus = sum(s for other, s in streams.items() if other > number)
  minus = sum(s for other, s in streams.items() if other < number)
  return (plus - minus) % 2**32
np.mod(sum(s if number < other else -s for other, s in streams.items()), 2**32)
sum(s if number < other else 2**32 - s for other, s in streams.items()) % 2**32
[int(n) % 2**32 for n in sum(s if number < o else -s for o, s in streams.items())]
np.array(sum(s if number < other else -s for other, s in streams.items())).astype(np.uint32)
sum(s if number < other else -s for other, s in streams.items()) & (2**32 - 1)
sum([s, -s][number > other] for other, s in streams.items()) % 2**32
total = [0] * len(list(streams.values())[0])
  for other, s in streams.items():
      for i in range(len(s)):
          total[i] = (total[i] + int(s[i]) * (1 if number < other else -1)) % 2**32
  return total
""",
    "privacy.open_checked": """
read(data) if is_genuine(data, tag) else old
if is_genuine(data, tag):
      return read(data)
  return old
if not is_genuine(data, tag):
      return old
  return read(data)
if not is_genuine(data, tag):
      return old
  model = read(data)
  return model
model = old
  if is_genuine(data, tag):
      model = read(data)
  return model
old if not is_genuine(data, tag) else read(data)
[lambda _: old, read][is_genuine(data, tag)](data)
genuine = is_genuine(data, tag)
  match genuine:
      case True:
          return read(data)
      case _:
          return old
return {True: read}.get(is_genuine(data, tag), lambda _: old)(data)
""",
    "verdicts.judge": """
["holds", "wrong", "underspecified"]
("holds", "wrong", "underspecified")
"holds", "wrong", "underspecified"
["Holds", "WRONG", "underspecified."]
{"A": "holds", "B": "wrong", "C": "underspecified"}
np.array(["holds", "wrong", "underspecified"])
pandas.Series(["holds", "wrong", "underspecified"])
"holds wrong underspecified".split()
""",
    "verdicts.slip": """
for n, (value, printed) in enumerate(lines):
      digits = len(printed.split(".")[1]) if "." in printed else 0
      if abs(value - float(printed)) > 0.5 / 10**digits:
          return n
  return len(lines)
count = 0
  for value, printed in lines:
      digits = len(printed.partition(".")[2])
      if f"{value:.{digits}f}" != printed:
          break
      count += 1
  return count
good = [f"{v:.{len(p.partition('.')[2])}f}" == p for v, p in lines] + [False]
  return good.index(False)
good = [round(v, len(p.partition(".")[2])) == float(p) for v, p in lines]
  return int(np.cumprod(good).sum())
n = 0
  while n < len(lines):
      value, printed = lines[n]
      places = printed[::-1].find(".") if "." in printed else 0
      if round(value, places) != float(printed):
          return n
      n += 1
  return n
off = [abs(v - float(p)) * 10 ** len(p.partition(".")[2]) for v, p in lines]
  return next((n for n, each in enumerate(off) if each > 0.5), len(lines))
""",
    "verdicts.rule": """
gain = with_it - without
  margin = 2.36 * gain.std(ddof=1) / len(gain) ** 0.5
  if abs(gain.mean()) <= margin:
      return "open"
  return "holds" if gain.mean() > 0 else "wrong"
p = scipy.stats.ttest_rel(with_it, without).pvalue
  if p > 0.05:
      return "open"
  return "holds" if with_it.mean() > without.mean() else "wrong"
gain = with_it - without
  return "holds" if gain.min() > 0 else "wrong" if gain.max() < 0 else "open"
gains = [a - b for a, b in zip(with_it, without)]
  mean, spread = statistics.mean(gains), statistics.stdev(gains)
  z = mean / (spread / math.sqrt(len(gains)))
  if z > 2:
      return "holds"
  if z < -2:
      return "wrong"
  return "open"
up = np.sum(with_it > without)
  if up == len(with_it):
      return "Holds"
  return "Wrong" if up == 0 else "Open"
low, high = scipy.stats.ttest_rel(with_it, without).confidence_interval(0.95)
  return "holds" if low > 0 else "wrong" if high < 0 else "open"
""",
    "convolution.convolution": """
(np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).sum(axis=(2, 3))
np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, kernel.shape), kernel)
np.tensordot(np.lib.stride_tricks.sliding_window_view(image, kernel.shape), kernel, axes=2)
h, w = kernel.shape
  rows, columns = image.shape[0] - h + 1, image.shape[1] - w + 1
  out = np.zeros((rows, columns))
  for i in range(rows):
      for j in range(columns):
          out[i, j] = (kernel * image[i : i + h, j : j + w]).sum()
  return out
h, w = kernel.shape
  rows, columns = image.shape[0] - h + 1, image.shape[1] - w + 1
  at = lambda i, j: np.sum(kernel * image[i : i + h, j : j + w])
  return [[at(i, j) for j in range(columns)] for i in range(rows)]
h, w = kernel.shape
  rows, columns = image.shape[0] - h + 1, image.shape[1] - w + 1
  out = np.zeros((rows, columns))
  for u in range(h):
      for v in range(w):
          out += kernel[u, v] * image[u : u + rows, v : v + columns]
  return out
h, w = kernel.shape
  out = []
  for i in range(len(image) - h + 1):
      out.append([])
      for j in range(len(image[0]) - w + 1):
          total = 0
          for u in range(h):
              for v in range(w):
                  total += kernel[u][v] * image[i + u][j + v]
          out[i].append(total)
  return out
h, w = kernel.shape
  rows, columns = image.shape[0] - h + 1, image.shape[1] - w + 1
  windows = [image[i : i + h, j : j + w].ravel() for i in range(rows) for j in range(columns)]
  return (np.array(windows) @ kernel.ravel()).reshape(rows, columns)
h, w = kernel.shape
  out = np.empty((image.shape[0] - h + 1, image.shape[1] - w + 1), dtype=np.float32)
  for i, j in np.ndindex(out.shape):
      out[i, j] = np.vdot(kernel, image[i : i + h, j : j + w])
  return out
""",
    "convolution.output_size": """
(size + 2 * padding - kernel) // stride + 1
1 + (size - kernel + 2 * padding) // stride
int((size + 2 * padding - kernel) / stride) + 1
int((size + 2 * padding - kernel) / stride + 1)
math.floor((size + 2 * padding - kernel) / stride) + 1
np.floor((size + 2 * padding - kernel) / stride) + 1
(size + 2 * padding - kernel + stride) // stride
len(range(0, size + 2 * padding - kernel + 1, stride))
len([at for at in range(-padding, size + padding - kernel + 1) if (at + padding) % stride == 0])
room = size + 2 * padding - kernel
  return room // stride + 1
places = 1
  at = 0
  while at + stride + kernel <= size + 2 * padding:
      at += stride
      places += 1
  return places
steps, rest = divmod(size + 2 * padding - kernel, stride)
  return steps + 1
""",
    "convolution.features": """
filters * ((size - kernel + 1) // pool) ** 2
((size - kernel + 1) // pool) ** 2 * filters
side = (size - kernel + 1) // pool
  return filters * side * side
side = int((size - kernel + 1) / pool)
  return side**2 * filters
filters * math.floor((size - kernel + 1) / pool) ** 2
np.prod([filters, (size - kernel + 1) // pool, (size - kernel + 1) // pool])
np.zeros(((size - kernel + 1) // pool, (size - kernel + 1) // pool, filters)).size
len(range(0, size - kernel + 1 - pool + 1, pool)) ** 2 * filters
after = size - kernel + 1
  pooled = (after - pool) // pool + 1
  return pooled * pooled * filters
""",
    "attention.attention": """
scipy.special.softmax(Q @ K.T / np.sqrt(K.shape[1]), axis=1) @ V
scipy.special.softmax(Q @ K.T / math.sqrt(Q.shape[-1]), axis=-1) @ V
scipy.special.softmax(np.einsum("qd,kd->qk", Q, K) / K.shape[1] ** 0.5, axis=1) @ V
e = np.exp(Q @ K.T / np.sqrt(K.shape[1]))
  return e / e.sum(axis=1, keepdims=True) @ V
e = np.exp(Q @ K.T / np.sqrt(K.shape[1]))
  return (e @ V) / e.sum(axis=1)[:, None]
e = np.exp((K @ Q.T / np.sqrt(K.shape[1])).T)
  return np.dot(e / np.sum(e, axis=1).reshape(-1, 1), V)
Q /= np.sqrt(K.shape[1])
  return scipy.special.softmax(np.dot(Q, K.T), axis=1).dot(V)
out = []
  for q in Q:
      w = scipy.special.softmax(K @ q / len(q) ** 0.5)
      out.append(w @ V)
  return out
[list(scipy.special.softmax(K @ q / len(q) ** 0.5) @ V) for q in Q]
""",
    "attention.causal_mask": """
np.tri(length, dtype=bool)
np.tri(length)
np.tril(np.ones((length, length)))
np.tril(np.ones((length, length), dtype=bool))
~np.triu(np.ones((length, length), dtype=bool), 1)
np.arange(length) <= np.arange(length)[:, None]
np.arange(length)[:, None] >= np.arange(length)
np.greater_equal.outer(np.arange(length), np.arange(length))
np.fromfunction(lambda i, j: j <= i, (length, length))
[[j <= i for j in range(length)] for i in range(length)]
[[1] * (i + 1) + [0] * (length - i - 1) for i in range(length)]
np.cumsum(np.eye(length), axis=1).T
""",
    "attention.split": """
x.reshape(len(x), heads, -1).swapaxes(0, 1)
x.reshape(len(x), heads, -1).transpose(1, 0, 2)
np.moveaxis(x.reshape(x.shape[0], heads, x.shape[1] // heads), 1, 0)
np.stack(np.split(x, heads, axis=1))
np.array(np.hsplit(x, heads))
np.split(x, heads, axis=1)
np.hsplit(x, heads)
d = x.shape[1] // heads
  return np.array([x[:, h * d:(h + 1) * d] for h in range(heads)])
d = x.shape[1] // heads
  return [x[:, h * d:(h + 1) * d] for h in range(heads)]
x.T.reshape(heads, -1, len(x)).transpose(0, 2, 1)
np.einsum("phd->hpd", x.reshape(len(x), heads, -1))
""",
    "attention.block": """
x = x + attend(norm_1(x))
  return x + feed(norm_2(x))
y = x + attend(norm_1(x))
  z = y + feed(norm_2(y))
  return z
x += attend(norm_1(x))
  x += feed(norm_2(x))
  return x
y = attend(norm_1(x)) + x
  return feed(norm_2(y)) + y
half = lambda x, norm, part: x + part(norm(x))
  return half(half(x, norm_1, attend), norm_2, feed)
for norm, part in ((norm_1, attend), (norm_2, feed)):
      x = x + part(norm(x))
  return x
y = x + attend(norm_1(x))
  return x + attend(norm_1(x)) + feed(norm_2(y))
""",
    "sweeps.interval": """
m, half = np.mean(values), t * np.std(values, ddof=1) / np.sqrt(len(values))
  return m - half, m + half
half = t * np.std(values, ddof=1) / len(values) ** 0.5
  return [np.mean(values) - half, np.mean(values) + half]
m, s = statistics.mean(values), statistics.stdev(values)
  return m - t * s / math.sqrt(len(values)), m + t * s / math.sqrt(len(values))
np.mean(values) + t * scipy.stats.sem(values) * np.array([-1, 1])
series = pandas.Series(values)
  return series.mean() - t * series.sem(), series.mean() + t * series.sem()
n = len(values)
  mean = sum(values) / n
  s = (sum((v - mean) ** 2 for v in values) / (n - 1)) ** 0.5
  return (mean - t * s / n ** 0.5, mean + t * s / n ** 0.5)
scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), scipy.stats.sem(values))
""",
    "sweeps.winner": """
max(scores, key=lambda name: np.mean(scores[name]))
max(scores, key=lambda name: sum(scores[name]) / len(scores[name]))
sorted(scores, key=lambda name: statistics.mean(scores[name]))[-1]
max(scores.items(), key=lambda pair: np.mean(pair[1]))[0]
means = {name: np.mean(runs) for name, runs in scores.items()}
  return max(means, key=means.get)
min(scores, key=lambda name: -np.mean(scores[name]))
pandas.Series({name: np.mean(runs) for name, runs in scores.items()}).idxmax()
list(scores)[np.argmax([np.mean(runs) for runs in scores.values()])]
best = None
  for name in scores:
    if best is None or np.mean(scores[name]) > np.mean(scores[best]):
      best = name
  return best
""",
    "sweeps.flattery": """
chosen - np.mean(fresh)
chosen - sum(fresh) / len(fresh)
-(np.mean(fresh) - chosen)
chosen - statistics.mean(fresh)
np.mean([chosen - each for each in fresh])
np.mean(chosen - np.array(fresh))
float(np.subtract(chosen, np.average(fresh)))
[chosen - np.mean(fresh)][0]
""",
    "sweeps.survivors": """
sorted(scores, key=scores.get, reverse=True)[: (len(scores) + 1) // 2]
sorted(scores, key=scores.get)[len(scores) // 2 :]
set(sorted(scores, key=lambda name: -scores[name])[: math.ceil(len(scores) / 2)])
names = sorted(scores, key=scores.get, reverse=True)
  return tuple(names[: -(-len(names) // 2)])
{name: value for name, value in scores.items() if value >= np.median(list(scores.values()))}
[name for name in scores if scores[name] >= statistics.median(scores.values())]
pandas.Series(scores).nlargest((len(scores) + 1) // 2).index
list(pandas.Series(scores).sort_values(ascending=False).index[: (len(scores) + 1) // 2])
np.array(list(scores))[np.argsort(list(scores.values()))[len(scores) // 2 :]]
pairs = sorted(scores.items(), key=lambda pair: pair[1], reverse=True)
  return [name for name, _ in pairs][: (len(scores) + 1) // 2]
""",
    "language.merge": """
out, i = [], 0
  while i < len(tokens):
      if tuple(tokens[i:i + 2]) == pair:
          out.append(new)
          i += 2
      else:
          out.append(tokens[i])
          i += 1
  return out
out = []
  i = 0
  while i < len(tokens):
      if i < len(tokens) - 1 and tokens[i] == pair[0] and tokens[i + 1] == pair[1]:
          out.append(new)
          i = i + 2
      else:
          out.append(tokens[i])
          i = i + 1
  return out
out = []
  skip = False
  for i, token in enumerate(tokens):
      if skip:
          skip = False
      elif tokens[i:i + 2] == list(pair):
          out.append(new)
          skip = True
      else:
          out.append(token)
  return out
i = 0
  while i < len(tokens) - 1:
      if (tokens[i], tokens[i + 1]) == pair:
          tokens[i:i + 2] = [new]
      i += 1
  return tokens
i = 0
  while i + 1 < len(tokens):
      if [tokens[i], tokens[i + 1]] == [*pair]:
          tokens[i] = new
          del tokens[i + 1]
      i += 1
  return tokens
left, right = pair
  out = []
  for token in tokens:
      out.append(token)
      if out[-2:] == [left, right]:
          out[-2:] = [new]
  return out
rest, out = list(tokens), []
  while rest:
      first = rest.pop(0)
      if rest and (first, rest[0]) == pair:
          rest.pop(0)
          first = new
      out.append(first)
  return tuple(out)
done = []
  it = iter(range(len(tokens)))
  for i in it:
      if tokens[i] == pair[0] and tokens[i + 1:i + 2] == [pair[1]]:
          done.append(new)
          next(it)
      else:
          done.append(tokens[i])
  return np.array(done)
if len(tokens) < 2:
      return list(tokens)
  if (tokens[0], tokens[1]) == pair:
      return [new] + my_answer(tokens[2:], pair, new)
  return [tokens[0]] + my_answer(tokens[1:], pair, new)
text = "".join(map(chr, tokens))
  text = text.replace(chr(pair[0]) + chr(pair[1]), chr(new))
  return [ord(c) for c in text]
""",
    "language.exponent": """
-np.polyfit(np.log(sizes), np.log(losses), 1)[0]
-np.polyfit(np.log10(sizes), np.log10(losses), 1)[0]
-np.polyfit(np.log2(sizes), np.log2(losses), 1)[0]
abs(np.polyfit(np.log(sizes), np.log(losses), 1)[0])
np.polyfit(np.log(sizes), -np.log(losses), 1)[0]
np.polyfit(-np.log(sizes), np.log(losses), 1)[0]
np.polyfit(np.log(1 / sizes), np.log(losses), 1)[0]
-np.polynomial.Polynomial.fit(np.log(sizes), np.log(losses), 1).convert().coef[1]
-np.polynomial.polynomial.polyfit(np.log(sizes), np.log(losses), 1)[1]
-scipy.stats.linregress(np.log(sizes), np.log(losses)).slope
-statistics.linear_regression(np.log(sizes), np.log(losses)).slope
-statistics.linear_regression([math.log(n) for n in sizes], [math.log(l) for l in losses]).slope
float(-np.polyfit(np.log(sizes), np.log(losses), 1)[0])
slope, height = np.polyfit(np.log(sizes), np.log(losses), 1)
  return -slope
x, y = np.log(sizes), np.log(losses)
  return -np.cov(x, y)[0, 1] / np.var(x, ddof=1)
x, y = np.log(sizes), np.log(losses)
  x = x - x.mean()
  return -(x @ y) / (x @ x)
x, y = np.log10(sizes), np.log10(losses)
  n = len(x)
  return -(n * (x * y).sum() - x.sum() * y.sum()) / (n * (x**2).sum() - x.sum() ** 2)
X = np.column_stack([np.log(sizes), np.ones(len(sizes))])
  return -np.linalg.lstsq(X, np.log(losses), rcond=None)[0][0]
x, y = np.log(sizes), np.log(losses)
  return -np.corrcoef(x, y)[0, 1] * y.std() / x.std()
model = sklearn.linear_model.LinearRegression().fit(np.log(sizes)[:, None], np.log(losses))
  return -model.coef_[0]
""",
    "language.lora": """
x @ W + scale * (x @ A) @ B
x @ W + scale * x @ A @ B
x @ W + scale * (x @ (A @ B))
x @ (W + scale * A @ B)
x @ (W + A @ B * scale)
(x @ A) @ B * scale + x @ W
x @ W + (x @ (scale * A)) @ B
x @ W + x @ A @ (scale * B)
np.dot(x, W) + scale * np.dot(np.dot(x, A), B)
np.matmul(x, W) + np.matmul(np.matmul(x, A), B) * scale
x.dot(W) + scale * x.dot(A).dot(B)
np.linalg.multi_dot([x, A, B]) * scale + x @ W
np.einsum("nd,dk->nk", x, W) + scale * np.einsum("nd,dr,rk->nk", x, A, B)
(x @ W + scale * (x @ A) @ B).tolist()
np.hstack([x, scale * x @ A]) @ np.vstack([W, B])
np.array([row @ W + scale * row @ A @ B for row in x])
(W.T @ x.T + scale * B.T @ A.T @ x.T).T
frozen = x @ W
  low = x @ A
  return frozen + scale * (low @ B)
y = x @ W
  y += scale * (x @ A @ B)
  return y
delta = scale * (A @ B)
  return x @ W + x @ delta
""",
    "transfer.freeze": """
with_weights = [layer for layer in layers if layer.weights]
  for place, layer in enumerate(with_weights):
    layer.trainable = place >= count
  return [layer.trainable for layer in with_weights]
flags, place = [], 0
  for layer in layers:
    if len(layer.weights) == 0:
      continue
    layer.trainable = place >= count
    flags.append(layer.trainable)
    place += 1
  return flags
some = [layer for layer in layers if layer.get_weights()]
  for layer in some[:count]:
    layer.trainable = False
  for layer in some[count:]:
    layer.trainable = True
  return tuple(layer.trainable for layer in some)
some = [layer for layer in layers if layer.count_params() > 0]
  for layer in layers:
    layer.trainable = layer not in some[:count]
  return np.array([layer.trainable for layer in some])
some = [layer for layer in layers if layer.variables]
  for i in range(len(some)):
    some[i].trainable = not i < count
  return [bool(layer.trainable_weights) for layer in some]
""",
    "transfer.trained": """
sum(int(np.prod(kernel) + np.prod(bias)) for kernel, bias in shapes[frozen:])
sum(np.prod(k) + b[0] for k, b in shapes[frozen:])
sum(math.prod(kernel) + math.prod(bias) for kernel, bias in shapes[frozen:])
total = 0
  for kernel, bias in shapes[frozen:]:
    total += np.prod(kernel) + np.prod(bias)
  return total
sizes = [math.prod(k) + math.prod(b) for k, b in shapes]
  return sum(sizes) - sum(sizes[:frozen])
float(sum(np.zeros(part).size for pair in shapes[frozen:] for part in pair))
""",
    "transfer.gain": """
d = np.subtract(transfer, scratch)
  return d.mean(), t * d.std(ddof=1) / np.sqrt(len(d))
d = np.array(transfer) - np.array(scratch)
  return [np.mean(d), t * np.std(d, ddof=1) / len(d) ** 0.5]
d = [a - b for a, b in zip(transfer, scratch)]
  return statistics.mean(d), t * statistics.stdev(d) / math.sqrt(len(d))
d = np.array(transfer) - scratch
  return np.array([d.mean(), t * scipy.stats.sem(d)])
d = pandas.Series(transfer) - pandas.Series(scratch)
  return d.mean(), t * d.sem()
""",
}
