"""Wrong answers to the exercises of the lessons, as learners slip; most are on no list.

Written as in answers_right.
"""

WRONG = {
    "start.prediction": """
w * length - -b * 2
w ** length + b
print(w * length + b)
y = w * length + b
[w * length + b]
w * lenght + b
str(w * length + b)
(w * length, b)
w * length + b == 0
int(w * length + b)
round(w * length + b, 1)
w(length) + b
2 * (w * length + b)
(w * length + b) / 2
length
w * length + b * length
lambda length: w * length + b
w / length + b
{w * length + b}
w * length + 1
if w > 0:
      return w * length + b
abs(w * length + b)
-(w * length + b)
np.array([w * length, b])
(w + b) * length
""",
    "descent.update": """
w - learning_rate * gradient**2
w - learning_rate * abs(gradient)
w - 2 * learning_rate * gradient
w = w - learning_rate * gradient
print(w - learning_rate * gradient)
learning_rate - w * gradient
w * (1 - learning_rate * gradient)
w - gradient(learning_rate)
w - learning_rate
w
w -= learning_rate * gradient
w - learning_rate * grad
w - lr * gradient
(w, learning_rate * gradient)
-w - learning_rate * gradient
float(w - learning_rate * gradient)
w[0] - learning_rate * gradient[0]
for i in range(len(w)):
      w[i] -= learning_rate * gradient[i]
  return w
np.sum(w - learning_rate * gradient)
gradient
w - learning_rate * np.linalg.norm(gradient)
0.4
[w - learning_rate * gradient]
w - learning_rate ^ gradient
w - 0.1 * gradient
learning_rate * gradient - w
w - learning_rate * gradient if w < 0 else w
np.round(w - learning_rate * gradient, 2) + 0.001
""",
    "descent.momentum": """
v = momentum * velocity - learning_rate * gradient
  return w + v
v = momentum * velocity - learning_rate * gradient
  return v
v = momentum * velocity - learning_rate * gradient
  return w - v, v
v = momentum * velocity - learning_rate * gradient
  return w + velocity + v, v
v = momentum * velocity - learning_rate * gradient
  return w + v, velocity
v = momentum * velocity - learning_rate * gradient
  return w + v, v, gradient
v = velocity - momentum * learning_rate * gradient
  return w + v, v
v = momentum * (velocity - learning_rate * gradient)
  return w + v, v
v = momentum * velocity - gradient
  return w + v, v
velocity = momentum * velocity - learning_rate * gradient
  w = w + velocity
w + velocity, velocity
w = w - learning_rate * gradient
  velocity = momentum * velocity - learning_rate * gradient
  return w, velocity
v = momentum * velocity - learning_rate * gradient
  return w + momentum * v, v
v = momentum * velocity - learning_rate * gradient
  return {"w": w + v, "velocity": v}
v = momentum * velocity - learning_rate * gradient
  return print(w + v, v)
velocity = momentum * velocity - learning_rate * gradient
  return w + velocity, velocity * learning_rate
v += momentum * velocity - learning_rate * gradient
  return w + v, v
""",
    "descent.stable_rate": """
2 / np.linalg.eigvalsh(hessian)
2 / np.linalg.eigvalsh(hessian)[1]
2 / np.linalg.eig(hessian)[-1]
2 / np.linalg.eigh(hessian)[0]
2 / np.linalg.det(hessian)
2 / hessian
2 / np.linalg.norm(hessian)
2 / np.mean(np.linalg.eigvalsh(hessian))
2 / np.linalg.eigvalsh(hessian)[-1] - 0.001
1.99 / np.linalg.eigvalsh(hessian)[-1]
np.sqrt(2 / np.linalg.eigvalsh(hessian)[-1])
2 // np.linalg.eigvalsh(hessian)[-1]
np.linalg.eigvalsh(hessian)
2 / np.linalg.eigvalsh(hessian)[len(hessian)]
2 / np.linalg.eigvalsh
2 * np.linalg.eigvalsh(hessian)[-1]
1 / (2 * np.linalg.eigvalsh(hessian)[-1])
-2 / np.linalg.eigvalsh(hessian)[-1]
2 / np.linalg.max(hessian)
2 / np.linalg.eigvalsh(hessian)[-1:]
4 / np.linalg.eigvalsh(hessian)[-1]
round(2 / np.linalg.eigvalsh(hessian)[-1], 3)
0.25
""",
    "losses.mse": """
(y_true - y_pred) ** 2
np.mean(y_true - y_pred ** 2)
np.mean((y_true - y_pred) * 2)
np.mean((y_true - y_pred) ^ 2)
np.mean(y_true**2 - y_pred**2)
np.sum((y_true - y_pred) ** 2) / (len(y_true) - 1)
np.mean((y_true + y_pred) ** 2)
-np.mean((y_true - y_pred) ** 2)
np.median((y_true - y_pred) ** 2)
np.max((y_true - y_pred) ** 2)
np.var(y_true - y_pred)
((y_true - y_pred) ** 2).sum
np.mean(((y_true - y_pred) / y_true) ** 2)
for a, b in zip(y_true, y_pred):
      return (a - b) ** 2
total = 0
  for a, b in zip(y_true, y_pred):
      total = (a - b) ** 2
  return total / len(y_true)
mean((y_true - y_pred) ** 2)
sum((y_true - y_pred) ** 2) // len(y_true)
[np.mean((y_true - y_pred) ** 2)]
math.pow(y_true - y_pred, 2) / len(y_true)
np.mean((y_true[:, None] - y_pred) ** 2, axis=0)
np.mean((y_true - y_pred) ** 2) ** 2
np.linalg.norm(y_true - y_pred) / len(y_true)
np.mean(y_true) - np.mean(y_pred)
""",
    "losses.mse_gradient": """
2 * (y_pred - y_true) / len(y_true) ** 2
2 * np.abs(y_pred - y_true) / len(y_true)
-(y_true - y_pred)
np.sum(2 * (y_pred - y_true))
2 * (y_pred - y_true) / 2
(2 * (y_pred - y_true) / len(y_true))[:, None]
2 * (y_pred - y_true) * len(y_true)
2 * (y_pred + y_true) / len(y_true)
2 * y_pred - y_true / len(y_true)
2 * y_pred / len(y_true)
2 * (y_pred - y_true) / (len(y_true) - 1)
np.gradient((y_pred - y_true) ** 2)
np.mean((y_pred - y_true) ** 2)
2 (y_pred - y_true) / len(y_true)
for y, p in zip(y_true, y_pred):
      return 2 * (p - y) / len(y_true)
{"gradient": 2 * (y_pred - y_true) / len(y_true)}
g = np.zeros_like(y_pred)
  for i in range(len(y_pred) - 1):
      g[i] = 2 * (y_pred[i] - y_true[i]) / len(y_pred)
  return g
(2 * (y_pred - y_true) / len(y_true))[::-1]
(x for x in 2 * (y_pred - y_true) / len(y_true))
y_true.shape
4 * (y_pred - y_true) / len(y_true)
np.where(y_pred > y_true, 2 * (y_pred - y_true) / len(y_true), 0)
""",
    "losses.stable_cross_entropy": """
np.mean(np.logaddexp(0, logits))
np.mean(np.logaddexp(0, logits) + y_true * logits)
np.logaddexp(0, logits) - y_true * logits
-np.mean(np.logaddexp(0, logits) - y_true * logits)
np.mean(np.logaddexp(0, -logits) - y_true * logits)
-np.mean(y_true * np.log(sigmoid(logits)) + (1 - y_true) * np.log(1 - sigmoid(logits)))
np.mean(max(logits, 0) - y_true * logits + np.log1p(np.exp(-abs(logits))))
np.mean(np.maximum(logits, 0) - y_true * logits + np.log(np.exp(-np.abs(logits))))
np.mean(np.maximum(logits, 0) - y_true * logits)
np.mean(np.abs(logits) - y_true * logits + np.log1p(np.exp(-np.abs(logits))))
np.mean(math.log1p(np.exp(-np.abs(logits))))
2 * np.mean(np.logaddexp(0, logits) - y_true * logits)
np.mean((sigmoid(logits) - y_true) ** 2)
np.mean(np.logaddexp(0, logits) - y_true * logits, keepdims=True)
p = sigmoid(logits)
  return np.nan_to_num(-np.mean(y_true * np.log(p) + (1 - y_true) * np.log(1 - p)))
np.mean(np.logaddexp(0, logits)) - np.mean(y_true) * np.mean(logits)
np.mean(np.log10(1 + np.exp(-np.abs(logits))) + np.maximum(logits, 0) - y_true * logits)
np.exp(-np.mean(np.logaddexp(0, logits) - y_true * logits))
np.median(np.logaddexp(0, logits) - y_true * logits)
""",
    "losses.softmax_gradient": """
p = scipy.special.softmax(logits)
  return (p - y_true) / len(y_true)
p = scipy.special.softmax(logits, axis=1)
  return ((p - y_true) / len(y_true)).T
p = scipy.special.softmax(logits, axis=1)
  return (p - y_true).mean(axis=0)
p = scipy.special.softmax(logits, axis=1)
  return (p - y_true) * p / len(y_true)
p = scipy.special.softmax(logits, axis=1)
  return -(y_true / p) / len(y_true)
p = scipy.special.softmax(logits, axis=1)
  return (p - y_true) / y_true.shape[1]
p = scipy.special.softmax(logits, axis=1)
  return 2 * (p - y_true) / len(y_true)
p = scipy.special.softmax(logits, axis=1)
  return np.abs(p - y_true) / len(y_true)
(logits - y_true) / len(y_true)
np.exp(logits) / np.exp(logits).sum(axis=1) - y_true
e = np.exp(logits - logits.max(axis=1, keepdims=True))
  return (e / e.sum(axis=1) - y_true) / len(y_true)
e = np.exp(logits - logits.max(axis=1, keepdims=True))
  return (e - y_true) / len(y_true)
p = scipy.special.softmax(logits, axis=1)
  return ((p - y_true) / len(y_true)).ravel()
p = scipy.special.softmax(logits, axis=1)
  p -= y_true
  p /= len(y_true)
y_true - logits
p = softmx(logits)
  return (p - y_true) / len(y_true)
p = scipy.special.softmax(logits, axis=1)
  return (p - 1) / len(y_true)
""",
    "losses.own_slope": """
np.where(error < 0, -1, 9)
np.where(error < 0, 9, -1)
2 * error
np.where(error < 0, -9 * error, error)
np.mean(np.where(error < 0, -9 * error, error))
error**2
-9 if error < 0 else 1
np.where(error < 0, -1, 1) * 3
np.where(error < 0, -2, 18)
np.where(error < 0, 9, 1)
-9
max(-9 * error, error)
np.where(error < 0, -9, 1)[:, None]
np.where(error < 0, -9, 1).sum()
np.exp(-error)
error - 9
if error.any() < 0:
      return -9 * np.ones(len(error))
error[error < 0] * -9
np.log(error)
np.where(error < 0, -9, 1) / error * 0
print(np.where(error < 0, -9, 1))
""",
    "activations.sigmoid_slope": """
x * (1 - x) * sigmoid(x)
1 - sigmoid(x)
s = sigmoid
  return s * (1 - s)
2 * sigmoid(x) * (1 - sigmoid(x))
s = sigmoid(x)
  return s * (1 - x)
np.gradient(sigmoid(x))
(sigmoid(x + 1) - sigmoid(x - 1)) / 2
np.exp(-x) / (1 + np.exp(-x))
1 / (1 + np.exp(-x)) ** 2
sigmoid(x) * (1 - sigmoid(x)) / 2
np.log(sigmoid(x) * (1 - sigmoid(x)))
sigmoid(x), 1 - sigmoid(x)
s = sigmoid(x)
  return s(1 - s)
round(sigmoid(x) * (1 - sigmoid(x)), 2)
0.25
s = 1 / (1 + math.exp(-x))
  return s * (1 - s)
sigmoid(x) * (1 - sigmoid(x)) * x
np.exp(x) / (1 + np.exp(x) ** 2)
s = sigmoid(-x)
  return -s * (1 - s)
(1 - np.tanh(x) ** 2) / 4
""",
    "activations.softmax": """
scipy.special.softmax(z)
scipy.special.softmax(z[0])
scipy.special.softmax(z, axis=1).T
scipy.special.softmax(z, axis=1).ravel()
scipy.special.softmax(z, axis=1).argmax(axis=1)
scipy.special.softmax(z, axis=1).max(axis=1)
scipy.special.softmax(z, axis=1) == 1
np.round(scipy.special.softmax(z, axis=1))
np.round(scipy.special.softmax(z, axis=1), 2)
100 * scipy.special.softmax(z, axis=1)
1 - scipy.special.softmax(z, axis=1)
scipy.special.softmax(-z, axis=1)
scipy.special.softmax(z, axis=1)[:, ::-1]
scipy.special.softmax(z / 2, axis=1)
e = np.exp(z - z.max(axis=1))
  return e / e.sum(axis=1)
e = np.exp(z - z.max(axis=1, keepdims=True))
  return e / e.max(axis=1, keepdims=True)
e = np.exp(z - z.max(axis=1, keepdims=True))
  return e / e.mean(axis=1, keepdims=True)
for row in z:
      e = np.exp(row - row.max())
      return e / e.sum()
np.max(z, axis=1)
z / z.sum(axis=1, keepdim=True)
z - z.max(axis=1, keepdims=True)
""",
    "activations.network": """
relu(W1 @ x + b1) @ W2 + b2
relu(x * W1 + b1) * W2 + b2
relu(x @ W1) + b1 @ W2 + b2
sigmoid(x @ W1 + b1) @ W2 + b2
np.abs(x @ W1 + b1) @ W2 + b2
relu(x @ W1 + b1) @ W2 - b2
relu(x @ W1 - b1) @ W2 + b2
relu(-(x @ W1 + b1)) @ W2 + b2
(relu(x @ W1 + b1) @ W2 + b2).sum()
(relu(x @ W1 + b1) @ W2 + b2).ravel()
(relu(x @ W1 + b1) @ W2 + b2).T
(relu(x @ W1 + b1) @ W2 + b2) > 0.5
relu(relu(x @ W1 + b1) @ W2) + b2
max(0, x @ W1 + b1) @ W2 + b2
relu(x @ W1 + b1 @ W2) + b2
hidden = relu(x @ W1 + b1)
  hidden @ W2 + b2
relu(x.W1 + b1).W2 + b2
np.tanh(x @ W1 + b1) @ W2 + b2
relu(x @ W1 + b1) @ W2 + 2 * b2
relu(x @ W1 + b2) @ W2 + b1
relu(x @ w1 + b1) @ w2 + b2
""",
    "activations.hat": """
[(0, 1), (1, -2), (2, 1)]
[(0, 1), (-1, -1), (-2, 0)]
[(0, 1), (-1, -2), (-2, -1)]
[(0, 2), (-1, -4), (-2, 2)]
[(0, -1), (-1, 2), (-2, -1)]
[(0, 1), (-1, -2)]
[0, 1, -1, -2, -2, 1]
[0, -1, -2]
[1, -2, 1]
[(0, 1), (-1, -2), (-2, 1), (-3, 0)]
[(0, 1), (-0.5, -2), (-1, 1)]
[(1, 0), (-2, -1), (1, -2)]
"[(0, 1), (-1, -2), (-2, 1)]"
[(1, 1), (0, -2), (-1, 1)]
{0: 1, -1: -2, -2: 1}
(0, 1)
np.zeros((3, 2))
3
[(0, 1), (-1, -2), (-2, None)]
lambda x: relu(x) - 2 * relu(x - 1) + relu(x - 2)
""",
    "activations.activation": """
z
2 * z
z + 1
-z
0 * z
np.ones_like(z)
np.exp(z)
z**3
np.log(z)
np.sqrt(z)
1 / z
np.where(z > 0, 1, 0)
np.sign(z)
np.round(z)
scipy.special.softmax(z, axis=-1)
z / z.std()
z - z.mean(axis=1, keepdims=True)
np.max(z)
max(0, z)
z if z > 0 else 0
relu(z).sum(axis=1)
relu(z).ravel()
relu(z).T
relu
np.maximum(z)
relu(z) + np.random.default_rng().normal(size=z.shape)
np.cumsum(z)
z > 0
""",
    "backprop.product_slopes": """
slope * b
slope * (b + a)
slope * b + slope * a
slope * b, a
slope / b, slope / a
b, a, slope
slope * b, slope * b
slope * a * b
[slope * b]
print(slope * b, slope * a)
slope * b, slope + a
-slope * a, -slope * b
""",
    "backprop.output_delta": """
(prediction - y) / 2
(prediction - y) * len(y)
(prediction - y) / len(y) ** 2
((prediction - y) / len(y)).ravel()
((prediction - y) / len(y)).T
np.sum(prediction - y) / len(y)
np.mean((prediction - y) ** 2)
(prediction - y) / (len(y) - 1)
abs(prediction - y) / len(y)
(prediction - y[0]) / len(y)
(prediction + y) / len(y)
prediction / len(y)
prediction - y / len(y)
-np.log(prediction) * y / len(y)
(prediction - y.T) / len(y)
(prediction > 0.5) - y
(prediction - y) / prediction.sum()
(prediction - y) / len(x)
prediction.append(y)
(prediction - y) ** 2 / len(y)
(y * prediction) / len(y)
""",
    "backprop.hidden_delta": """
delta @ W.T * (1 - h)
(delta * W.T) * h * (1 - h)
W.T @ delta * h * (1 - h)
delta @ W.T * h * (h - 1)
2 * (delta @ W.T) * h * (1 - h)
(delta @ W.T * h * (1 - h)).T
np.sum(delta @ W.T * h * (1 - h), axis=0)
delta @ W.T @ h * (1 - h)
delta @ W.T + h * (1 - h)
h * (1 - h)
delta @ W.T * h * 1 - h
delta @ W.T * sigmoid(h) * (1 - h)
delta.T @ h
delta @ W.T * (h > 0)
delta @ np.linalg.inv(W) * h * (1 - h)
(delta @ W.T) / (h * (1 - h))
delta @ abs(W.T) * h * (1 - h)
delta @ W.T * h * (1 + h)
(delta @ W.T * h * (1 - h)).mean()
""",
    "backprop.gradient": """
(loss(w + tiny) - loss(w - tiny)) / (2 * tiny)
above, below = w, w
  slopes = np.zeros(len(w))
  for i in range(len(w)):
      above[i] += tiny
      below[i] -= tiny
      slopes[i] = (loss(above) - loss(below)) / (2 * tiny)
  return slopes
slopes = np.zeros(len(w))
  for i in range(len(w)):
      up, down = w.copy(), w.copy()
      up[i] += tiny
      down[i] -= tiny
      slopes[i] = (loss(up) - loss(down)) / 2 * tiny
      return slopes
slopes = np.zeros(len(w))
  for i in range(len(w) - 1):
      up, down = w.copy(), w.copy()
      up[i] += tiny
      down[i] -= tiny
      slopes[i] = (loss(up) - loss(down)) / (2 * tiny)
  return slopes
slopes = []
  for e in np.eye(len(w)):
      slopes.append((loss(w + e) - loss(w - e)) / 2)
  return slopes
total = 0
  for e in tiny * np.eye(len(w)):
      total += (loss(w + e) - loss(w - e)) / (2 * tiny)
  return total
np.gradient(loss)
np.gradient(loss(w))
slopes = []
  for i in range(len(w)):
      w[i] += tiny
      slopes.append((loss(w) - loss(w)) / (2 * tiny))
  return slopes
loss(w)
slopes = []
  for e in tiny * np.eye(len(w)):
      slopes.append((loss(w + e) + loss(w - e)) / (2 * tiny))
  return slopes
np.array([(loss(w + e) - loss(w - e)) / (4 * tiny) for e in tiny * np.eye(len(w))])
np.array([abs(loss(w + e) - loss(w - e)) / (2 * tiny) for e in tiny * np.eye(len(w))])
np.array([(loss(w + e) - loss(w - e)) / (2 * tiny) for e in tiny * np.eye(len(w))])[:, None]
np.array([(loss(w + e) - loss(w - e)) / (2 * tiny) for e in tiny * np.eye(len(w))])[::-1]
slopes = np.zeros(len(w), dtype=int)
  for i, e in enumerate(tiny * np.eye(len(w))):
      slopes[i] = (loss(w + e) - loss(w - e)) / (2 * tiny)
  return slopes
for i in range(1, len(w) + 1):
      w[i] += tiny
  return w
{i: (loss(w + e) - loss(w - e)) / (2 * tiny) for i, e in enumerate(tiny * np.eye(len(w)))}
""",
    "metrics.f1": """
2 * tp / 2 * tp + fp + fn
2 * tp / (2 * tp + fp - fn)
tp + tn / (tp + fp + fn + tn)
p, r = tp / (tp + fp), tp / (tp + fn)
  return 2 * p * r
p, r = tp / (tp + fp), tp / (tp + fn)
  return p * r
p, r = tp / (tp + fp), tp / (tp + fn)
  return p * r / (p + r)
p, r = tp / (tp + fp), tp / (tp + fn)
  return 2 * (p + r) / (p * r)
p, r = tp / (tp + fp), tp / (tp + fn)
  return p, r
p, r = tp / (tp + fp), tp / (tp + fn)
  return min(p, r)
p, r = tp // (tp + fp), tp // (tp + fn)
  return 2 * p * r / (p + r)
100 * 2 * tp / (2 * tp + fp + fn)
round(2 * tp / (2 * tp + fp + fn), 2)
1 - 2 * tp / (2 * tp + fp + fn)
2 * tp / (2 * tp + fp + tn)
p, r = tp / (tp + fp), tp / (tn + fp)
  return 2 * p * r / (p + r)
sklearn.metrics.f1_score(tp, fp)
2 * precision * recall / (precision + recall)
[2 * tp / (2 * tp + fp + fn)]
5 * tp / (5 * tp + 4 * fn + fp)
f"{2 * tp / (2 * tp + fp + fn):.2f}"
2 * tp // (2 * tp + fp + fn)
(2 * tp + fp + fn) / (2 * tp)
p, r = tp / (tp + fp), tn / (tn + fp)
  return 2 * p * r / (p + r)
""",
    "metrics.pipeline": """
(rows - rows.mean(axis=0)) / rows.std(axis=0)
rows
(rows - np.nanmean(rows)) / np.nanstd(rows)
np.nan_to_num(rows)
median = np.nanmedian(rows[:-test_count], axis=0)
  filled = np.where(np.isnan(rows), median, rows)
  train = filled[:-test_count]
  return (filled - train.mean(axis=1)) / train.std(axis=1)
median = np.median(rows[:-test_count], axis=0)
  filled = np.where(np.isnan(rows), median, rows)
  train = filled[:-test_count]
  return (filled - train.mean(axis=0)) / train.std(axis=0)
median = np.nanmedian(rows[:-test_count], axis=0)
  filled = np.where(np.isnan(rows), median, rows)
  train = filled[:-test_count]
  return filled - train.mean(axis=0)
median = np.nanmedian(rows[:-test_count], axis=0)
  filled = np.where(np.isnan(rows), median, rows)
  train = filled[:-test_count]
  return filled - train.mean(axis=0) / train.std(axis=0)
median = np.nanmedian(rows[:-test_count], axis=0)
  filled = np.where(np.isnan(rows), median, rows)
  train = filled[:-test_count]
  return (filled - median) / train.std(axis=0)
median = np.nanmedian(rows[:-test_count], axis=0)
  filled = np.where(np.isnan(rows), median, rows)
  train = filled[:-test_count]
  return (filled - train.min(axis=0)) / (train.max(axis=0) - train.min(axis=0))
train = rows[~np.isnan(rows).any(axis=1)]
  return (rows - train.mean(axis=0)) / train.std(axis=0)
median = np.nanmedian(rows[:-test_count], axis=0)
  filled = np.where(rows == np.nan, median, rows)
  train = filled[:-test_count]
  return (filled - train.mean(axis=0)) / train.std(axis=0)
rows[np.isnan(rows)] = 0
  train = rows[:-test_count]
  return (rows - train.mean(axis=0)) / train.std(axis=0)
median = np.nanmedian(rows[:-test_count], axis=0)
  filled = np.where(np.isnan(rows), median, rows)
  train, test = filled[:-test_count], filled[-test_count:]
  mean, std = train.mean(axis=0), train.std(axis=0)
  return (train - mean) / std, (test - mean) / std
rows.fillna(rows.median())
""",
    "metrics.which_metric": """
["precision", "recall", "accuracy", "auc", "f1"]
["recall", "precision", "accuracy", "f1", "auc"]
["recall", "precision", "f1", "auc", "accuracy"]
["recall", "precision", "accuracy", "auc"]
["recall", "precision", "accuracy", "auc", "f1", "f1"]
"recall"
["recall"]
[recall for recall in range(5)]
["recal", "precision", "accuracy", "auc", "f1"]
["sensitivity", "specificity", "accuracy", "auc", "f1"]
{"recall", "precision", "accuracy", "auc", "f1"}
{"A": "precision", "B": "recall", "C": "accuracy", "D": "auc", "E": "f1"}
{"recall": "A", "precision": "B", "accuracy": "C", "auc": "D", "f1": "E"}
"recall, precision, accuracy, f1, auc"
["specificity", "precision", "accuracy", "auc", "f1"]
["recall", None, "accuracy", "auc", "f1"]
[("recall", "precision", "accuracy", "auc", "f1")]
["A", "B", "C", "D", "E"]
len
3
""",
    "distributed.combine": """
means.mean(axis=0)
np.mean(means, axis=0)
means.sum(axis=0)
counts @ means
means @ counts / counts.sum()
np.average(means, axis=0)
np.average(means, weights=counts)
np.average(means, axis=1, weights=counts)
counts * means / counts.sum()
counts @ means / len(counts)
counts @ means / counts.mean()
counts @ means / counts.max()
means[0]
np.median(means, axis=0)
print(counts @ means / counts.sum())
total = counts @ means / counts.sum()
(counts @ means / counts.sum())[None]
(counts @ means / counts.sum()).sum()
-(counts @ means) / counts.sum()
counts @ mean / counts.sum()
for g, n in zip(means, counts):
      return n * g / counts.sum()
means.sum(axis=0) / counts.sum()
means[:, 0]
sum(means) / counts
""",
    "distributed.ring_step": """
(rank - step - 1) % size, (rank - step) % size
(rank + step) % size, (rank + step + 1) % size
(rank + step) % size, (rank + step - 1) % size
rank, (rank - 1) % size
rank - step, rank - step - 1
(rank - step) % size, (rank - step) % size
(rank - step) % size, (rank - step + 1) % size
(rank - step) % size
step, (step - 1) % size
(rank - step) % size, (rank + step) % size
abs(rank - step), abs(rank - step - 1)
(rank - step) % (size - 1), (rank - step - 1) % (size - 1)
(rank - step) % size + 1, (rank - step - 1) % size + 1
(rank - step) // size, (rank - step - 1) // size
(rank - step) / size, (rank - step - 1) / size
print((rank - step) % size, (rank - step - 1) % size)
send = (rank - step) % size
(rank * step) % size, (rank * step - 1) % size
max(rank - step, 0), max(rank - step - 1, 0)
(rank - step) % size, (rank - step - 1) % size, size
(rank - step) % N, (rank - step - 1) % N
(rank - step) % 4, (rank - step - 1) % 4
(rank - step) % size, (rank - step) % size - 1
""",
    "distributed.split": """
W1[np.array_split(np.arange(len(W1)), size)[rank]], W2
W1, W2[:, np.array_split(np.arange(W2.shape[1]), size)[rank]]
np.array_split(W1, size)[rank], np.array_split(W2, size)[rank]
np.array_split(W1, size, axis=1)[rank], np.array_split(W2, size, axis=1)[rank]
np.array_split(W1, size)[rank], np.array_split(W2, size, axis=1)[rank]
np.array_split(W1, size, axis=1)[rank], W2
W1, W2
W1, np.array_split(W2, size)[rank]
np.array_split(W2, size)[rank], np.array_split(W1, size, axis=1)[rank]
W1[:, rank::size], np.array_split(W2, size)[rank]
np.array_split(W1, size, axis=1)[rank], np.array_split(W2, size)[size - 1 - rank]
np.array_split(W1, size, axis=1), np.array_split(W2, size)
W1[:, rank], W2[rank]
W1[:, : W1.shape[1] // size], W2[: len(W2) // size]
W1 / size, W2 / size
W1[:, rank:size], W2[rank:size]
W1[rank::size], W2[rank::size]
np.array_split(W1, size, axis=1)[rank].T, np.array_split(W2, size)[rank].T
np.array_split(W1, size, axis=1)[rank]
A = np.array_split(W1, size, axis=1)[rank]
  B = np.array_split(W2, size)[rank]
W1[:, rank * size : (rank + 1) * size], W2[rank * size : (rank + 1) * size]
np.array_split(W1, size, axis=1)[rank] @ np.array_split(W2, size)[rank]
""",
    "distributed.feedback": """
compress(gradient), gradient - compress(gradient)
compress(gradient), rest + gradient - compress(gradient)
compress(gradient) + rest, gradient - compress(gradient)
compress(gradient + rest), gradient + rest
compress(gradient + rest), compress(gradient + rest)
compress(gradient + rest), compress(gradient + rest) - gradient - rest
compress(gradient + rest), gradient - compress(gradient + rest)
compress(gradient), np.zeros_like(gradient)
compress(gradient) + compress(rest), gradient + rest - compress(gradient) - compress(rest)
compress(gradient + rest), (gradient + rest - compress(gradient + rest)) / 2
compress(gradient + rest), rest - compress(gradient + rest)
compress(gradient + rest), rest
compress(gradient + rest)
gradient + rest - compress(gradient + rest), compress(gradient + rest)
compress(gradient - rest), gradient - rest - compress(gradient - rest)
compress(gradient + rest), np.zeros_like(gradient)
gradient, rest
gradient + rest, np.zeros_like(rest)
sent = compress(gradient + rest)
  rest = gradient + rest - sent
compress(gradient * rest), gradient * rest - compress(gradient * rest)
compress(gradient + error), gradient + error - compress(gradient + error)
compress(gradient + rest), abs(gradient + rest - compress(gradient + rest))
""",
    "balancing.erlang_c": """
load / servers
last = load**servers / math.factorial(servers)
  return last / (sum(load**n / math.factorial(n) for n in range(servers)) + last)
last = load**servers / math.factorial(servers) * servers / (servers - load)
  return last / (sum(load**n / math.factorial(n) for n in range(servers + 1)) + last)
last = load**servers / math.factorial(servers) * servers / (servers - load)
  return last / sum(load**n / math.factorial(n) for n in range(servers))
last = load**servers / math.factorial(servers) * servers / (servers - load)
  return last / (sum(load**n / math.factorial(n) for n in range(1, servers)) + last)
last = load**servers / math.factorial(servers) * servers / (servers - load)
  print(last / (sum(load**n / math.factorial(n) for n in range(servers)) + last))
last = load**servers / math.factorial(servers) * load / (servers - load)
  return last / (sum(load**n / math.factorial(n) for n in range(servers)) + last)
load**servers / factorial(servers)
(load / servers) ** servers
last = load**servers / math.factorial(servers) * servers / (servers - load)
  return 100 * last / (sum(load**n / math.factorial(n) for n in range(servers)) + last)
1 / (1 + load)
last = load**servers / math.factorial(servers) * servers / (servers - load)
  return last
lambda: load
load[servers]
""",
    "balancing.staff": """
for c in range(int(load) + 1, len(waits)):
      if waits[c] * np.exp(-(c - load) * longest) <= 0.01:
          return c - int(load)
int(load) + 1
math.ceil(load)
for c in range(int(load) + 1, len(waits)):
      if waits[c] <= 0.01:
          return c
for c in range(int(load) + 1, len(waits)):
      if np.exp(-(c - load) * longest) <= 0.01:
          return c
for c in range(int(load) + 1, len(waits)):
      if waits[c] / (c - load) <= longest:
          return c
for c in range(int(load) + 1, len(waits)):
      if waits[c] * np.exp(-(c - load) * longest) <= 0.05:
          return c
for c in range(int(load) + 1, len(waits)):
      if waits[c] * np.exp(-c * longest) <= 0.01:
          return c
for c in range(int(load) + 1, len(waits)):
      if waits[c] * np.exp(-(c - load) * longest) <= 0.01:
          print(c)
for c in range(int(load) + 1, len(waits)):
      if waits[c] * np.exp(-(c - load) * longest) <= 0.01:
          return c + 1
for c in range(int(load) + 1, len(waits)):
      if waits[c] * np.exp(-(c - load) * longest) > 0.01:
          return c
waits[int(load)]
[c for c in range(len(waits)) if waits[c] <= 0.01]
load + math.sqrt(load)
waits(load)
""",
    "balancing.may_retry": """
True
False
retries < requests
retries < budget
retries > budget * requests
retries < budget * (requests + retries)
print(retries < budget * requests)
retries <= budget * requests
budget * requests
requests < budget * retries
retries < budget * requests / 100
budget
retries - requests * budget
""",
    "balancing.policy": """
lengths.index(min(lengths))
lengths.index(max(lengths))
min(lengths)
total = [n + m for n, m in zip(lengths, sent)]
  return total.index(min(total))
done = [(n + 1) / v for n, v in zip(lengths, speeds)]
  return done.index(min(done))
done = [(n + m + 1) * v for n, m, v in zip(lengths, sent, speeds)]
  return done.index(min(done))
done = [(n + m + 1) / v for n, m, v in zip(lengths, sent, speeds)]
  return min(done)
speeds.index(max(speeds))
0
len(lengths)
-1
done = [(n + m + 1) / v for n, m, v in zip(lengths, sent, speeds)]
  print(done.index(min(done)))
sent.index(min(sent))
lengths.argmin()
"the first"
[n + m for n, m in zip(lengths, sent)]
""",
    "monitoring.cusum": """
total + z - allowance
max(0, total + z - allowance)
np.maximum(0, total + z)
np.maximum(0, z - allowance)
total + max(0, z - allowance)
np.maximum(0, total + z + allowance)
abs(total + z - allowance)
np.minimum(0, total + z - allowance)
np.maximum(0, total + abs(z) - allowance)
np.maximum(allowance, total + z - allowance)
print(np.maximum(0, total + z - allowance))
np.maximum(0, total + z * allowance)
np.maximum(0, total + z - allowance) > 4
0.9 * total + 0.1 * z
np.maximum(0, total - z - allowance)
np.maximum(0, total + z - allowance / 2)
total(z)
""",
    "monitoring.psi_limit": """
0.1
0.25
(bins - 1) * (1 / reference + 1 / current)
scipy.stats.chi2.ppf(1 - false_alarms, bins) * (1 / reference + 1 / current)
scipy.stats.chi2.ppf(false_alarms, bins - 1) * (1 / reference + 1 / current)
scipy.stats.chi2.ppf(1 - false_alarms, bins - 1)
scipy.stats.chi2.ppf(1 - false_alarms, bins - 1) / current
scipy.stats.chi2.ppf(1 - false_alarms, bins - 1) / (reference + current)
scipy.stats.chi2.ppf(1 - false_alarms / 2, bins - 1) * (1 / reference + 1 / current)
scipy.stats.norm.ppf(1 - false_alarms) * (1 / reference + 1 / current)
scipy.stats.chi2.cdf(1 - false_alarms, bins - 1) * (1 / reference + 1 / current)
scipy.stats.chi2.ppf(1 - false_alarms, bins - 1) * (1 / reference * 1 / current)
scipy.stats.chi2.ppf(0.95, bins - 1) * (1 / reference + 1 / current)
print(scipy.stats.chi2.ppf(1 - false_alarms, bins - 1) * (1 / reference + 1 / current))
chi2.pff(1 - false_alarms, bins - 1)
""",
    "monitoring.delete": """
left = image.copy()
  left.flat[np.argsort(heat, axis=None)[:count]] = 0
  return left
left = image.copy()
  left.flat[np.argsort(heat, axis=None)[:-count]] = 0
  return left
left = image.copy()
  left.flat[np.argsort(np.abs(heat), axis=None)[-count:]] = 0
  return left
left = image.copy()
  left.flat[np.argsort(image, axis=None)[-count:]] = 0
  return left
left = image.copy()
  left.flat[np.argsort(heat, axis=None)[-count:]] = 1
  return left
left = heat.copy()
  left.flat[np.argsort(heat, axis=None)[-count:]] = 0
  return left
left = image.copy()
  left.flatten()[np.argsort(heat, axis=None)[-count:]] = 0
  return left
np.argsort(heat, axis=None)[-count:]
left = image.copy()
  left.flat[np.argsort(heat, axis=None)[-count - 1:]] = 0
  return left
left = image.copy()
  left[np.argsort(heat)[-count:]] = 0
  return left
left = image.copy()
  left.flat[np.argsort(heat, axis=None)[-count:]] = 0
left = image.copy()
  left[heat > count] = 0
  return left
image * heat
image[heat]
left = image.copy()
  left.flat[np.argsort(image * heat, axis=None)[-count:]] = 0
  return left
""",
    "monitoring.ring": """
False
True
np.abs(z[-1]).max() > 3
np.abs(z).max() > 3
np.abs(z[-1]).max() > 3.8
high = np.zeros(z.shape[1])
  for each in z:
      high = np.maximum(0, high + each - 0.5)
  return high.max() > 7
z.mean() > 1
np.abs(z[-1]) > 3
high = low = np.zeros(z.shape[1])
  for each in z:
      high, low = np.maximum(0, high + each - 0.5), np.maximum(0, low - each - 0.5)
  return max(high.max(), low.max())
np.abs(z[:, 0].mean()) > 0.5
(z[-1] ** 2).sum() > 25
z[-1]["ink"] > 3
np.abs(z.mean(axis=0)).max() > 1
np.abs(z[-5:].mean(axis=0)).max() > 1.5
""",
    "lifecycle.split": """
np.arange(len(group)) < share * len(group)
test = np.zeros(len(group), bool)
  for name in order:
      if test.mean() >= share:
          break
      test |= group == name
  return ~test
test = np.zeros(len(group), bool)
  for name in np.unique(group):
      if test.mean() >= share:
          break
      test |= group == name
  return test
np.isin(group, order[: math.ceil(share * len(order))])
test = np.zeros(len(group), bool)
  for name in order:
      test |= group == name
      if test.mean() >= share:
          break
  print(test)
test = np.zeros(len(group), bool)
  for name in order:
      test |= group == name
  return test
test = np.zeros(len(group), bool)
  for name in order:
      more = test | (group == name)
      if more.mean() >= share:
          break
      test = more
  return test
test = np.zeros(len(group), bool)
  for name in order:
      if test.mean() >= share:
          break
      test |= group == name
  return np.flatnonzero(test)
order[0]
group[: int(share * len(group))]
share
group.split(order)
""",
    "lifecycle.threshold": """
missed = [np.sum((scores < t) & (truth == 1)) for t in thresholds]
  alarms = [np.sum((scores >= t) & (truth == 0)) for t in thresholds]
  return thresholds[np.argmin(np.add(missed, alarms))]
missed = np.array([np.sum((scores < t) & (truth == 1)) for t in thresholds])
  alarms = np.array([np.sum((scores >= t) & (truth == 0)) for t in thresholds])
  return thresholds[np.argmin(alarm * missed + miss * alarms)]
missed = np.array([np.sum((scores < t) & (truth == 1)) for t in thresholds])
  alarms = np.array([np.sum((scores >= t) & (truth == 0)) for t in thresholds])
  return thresholds[np.argmax(miss * missed + alarm * alarms)]
missed = np.array([np.sum((scores < t) & (truth == 1)) for t in thresholds])
  alarms = np.array([np.sum((scores >= t) & (truth == 0)) for t in thresholds])
  return np.argmin(miss * missed + alarm * alarms)
missed = np.array([np.sum((scores < t) & (truth == 1)) for t in thresholds])
  alarms = np.array([np.sum((scores >= t) & (truth == 0)) for t in thresholds])
  return min(miss * missed + alarm * alarms)
missed = np.array([np.sum((scores < t) & (truth == 1)) for t in thresholds])
  alarms = np.array([np.sum((scores >= t) & (truth == 0)) for t in thresholds])
  return miss * missed + alarm * alarms
missed = np.array([np.sum((scores < t) & (truth == 1)) for t in thresholds])
  alarms = np.array([np.sum((scores >= t) & (truth == 0)) for t in thresholds])
  print(thresholds[np.argmin(miss * missed + alarm * alarms)])
thresholds[np.argmin([np.sum((scores < t) & (truth == 1)) for t in thresholds])]
thresholds[np.argmin([np.sum((scores >= t) & (truth == 0)) for t in thresholds])]
alarm / (alarm + miss)
0.5
miss / (alarm + miss)
thresholds(0)
""",
    "lifecycle.rollback": """
errors_new > errors
errors_new > 0
errors_new / requests_new > errors / requests
False
True
errors_new / requests_new > 0.2
errors / requests > errors_new / requests_new
if requests_new < 20:
      return False
  return errors_new / requests_new > 2 * errors / requests
if min(requests, requests_new) < 10:
      return False
  p = (errors + errors_new) / (requests + requests_new)
  se = np.sqrt(p * (1 - p) * (1 / requests + 1 / requests_new))
  return errors_new / requests_new - errors / requests > 1.96 * se
p = errors / requests
  se = np.sqrt(p * (1 - p) / requests_new)
  return bool(errors_new / requests_new > p + 2 * se)
print(errors_new > errors)
errors_new / requests_new
"roll back"
errors_new - errors
errors.mean() > 1
""",
    "energy.step_flop": """
sum(2 * batch * a * b for a, b in zip(widths, widths[1:]))
3 * sum(2 * batch * a * b for a, b in zip(widths, widths[1:]))
3 * sum(batch * a * b for a, b in zip(widths, widths[1:])) - batch * widths[0] * widths[1]
6 * sum(widths) * batch
6 * batch * widths[0] * widths[1]
2 * batch * sum(widths)
4 * batch * sum(a * b for a, b in zip(widths, widths[1:]))
[2 * batch * a * b for a, b in zip(widths, widths[1:])]
6 * np.prod(widths) * batch
print(6 * batch * np.dot(widths[:-1], widths[1:]) - 2 * batch * widths[0] * widths[1])
forward = [2 * batch * a * b for a, b in zip(widths, widths[1:])]
  return 3 * forward - forward[0]
forward = [2 * batch * a * b for a, b in zip(widths, width[1:])]
  return 3 * sum(forward) - forward[0]
6 * batch * np.dot(widths[:-1], widths[1:]) - 2 * widths[0] * widths[1]
""",
    "energy.kwh": """
sum(w * s for w, s in parts) / 3.6e6
sum(w * s for w, s in parts) / 3600 * pue
sum(w * s for w, s in parts) / 1000 * pue
sum(w * s for w, s in parts) * pue
sum(w * s for w, s in parts) / 3.6e6 / pue
sum(w * s for w, s in parts) / 3.6e6 * (1 + pue)
parts[0][0] * parts[0][1] / 3.6e6 * pue
sum(w for w, s in parts) * sum(s for w, s in parts) / 3.6e6 * pue
sum(parts) / 3.6e6 * pue
parts * pue / 3.6e6
[w * s / 3.6e6 * pue for w, s in parts]
watts * seconds / 3.6e6 * pue
print(sum(w * s for w, s in parts) / 3.6e6 * pue)
sum(w * s for w, s in parts) / 3.6e6 + pue
for w, s in parts:
      return w * s / 3.6e6 * pue
""",
    "energy.break_even": """
price / rent
price / running
price / (rent + running)
(rent - running) / price
price / (running - rent)
price / (rent - running) / 24
price - rent + running
price * (rent - running)
(price + running) / rent
price / rent - running
""",
    "energy.recipe": """
500, 5, 64, 0.3
784, 5, 64, 0.3
1, 3, 16, 0.2
16, 3, 16, 50
16, 3
16, 0, 16, 0.2
hidden, epochs, batch_size, learning_rate
2, 10, 64, 0.001
tuple()
""",
    "devices.transfer": """
latency + size / bandwidth
pieces * (latency + size / bandwidth)
pieces * size / bandwidth
size / bandwidth
pieces * latency
pieces * latency + size * bandwidth
pieces * latency + bandwidth / size
pieces * latency + 8 * size / bandwidth
latency / pieces + size / bandwidth
max(pieces * latency, size / bandwidth)
latency + size / pieces / bandwidth
print(pieces * latency + size / bandwidth)
took = pieces * latency + size / bandwidth
(pieces * latency, size / bandwidth)
pieces * latency + size // bandwidth
1 / (pieces * latency + size / bandwidth)
pieces * latency * size / bandwidth
-(pieces * latency + size / bandwidth)
2 * (pieces * latency + size / bandwidth)
pieces * lateny + size / bandwidth
""",
    "devices.fill": """
operations * launch * peak / flop
math.floor(operations * launch * peak / flop)
round(operations * launch * peak / flop)
int(operations * launch * peak / flop)
operations * launch * peak // flop
math.ceil(launch * peak / flop)
math.ceil(flop / (operations * launch * peak))
operations * launch * flop / peak
operations * launch
flop / peak
math.ceil(launch * peak / (operations * flop))
math.ceil(operations * launch * peak / flop) + 1
ceil(operations * launch * peak / flop)
math.ceil(operations * launch + flop / peak)
print(math.ceil(operations * launch * peak / flop))
batch = math.ceil(operations * launch * peak / flop)
math.ceil(operations * launch * peak)
[math.ceil(operations * launch * peak / flop)]
2 * math.ceil(operations * launch * peak / flop)
-math.ceil(operations * launch * peak / flop)
str(math.ceil(operations * launch * peak / flop))
""",
    "devices.memory": """
4 * parameters
4 * (2 * parameters + batch * outputs)
4 * (3 * parameters + batch * outputs)
4 * (parameters + batch * outputs)
4 * (5 * parameters + batch * outputs)
4 * parameters + batch * outputs
8 * (4 * parameters + batch * outputs)
2 * (4 * parameters + batch * outputs)
4 * (4 * parameters + outputs)
4 * batch * (4 * parameters + outputs)
16 * parameters
16 * (parameters + batch * outputs)
4 * batch * outputs
16 * parameters + batch * outputs
print(4 * (4 * parameters + batch * outputs))
need = 4 * (4 * parameters + batch * outputs)
4 * (4 * parameters + batch * outputs) / 1e9
[4 * (4 * parameters + batch * outputs)]
4 * (4 * parameter + batch * outputs)
(16 * parameters, 4 * batch * outputs)
""",
    "faster.intensity": """
2 * batch * inputs * outputs / (4 * (batch * inputs + batch * outputs))
batch * outputs * (2 * inputs - 1) / (4 * (batch * inputs + inputs * outputs + batch * outputs))
2 * batch * inputs * outputs / (4 * (batch * inputs + inputs * outputs + 2 * batch * outputs))
2 * batch * inputs * outputs / (2 * (batch * inputs + inputs * outputs + batch * outputs))
2 * batch * inputs * outputs / (4 * (batch * inputs + inputs * outputs + outputs))
4 * (batch * inputs + inputs * outputs + batch * outputs)
2 * batch * inputs * outputs
2 * inputs * outputs / (4 * inputs * outputs)
batch * inputs * outputs / (4 * (batch * inputs + inputs * outputs + batch * outputs))
2 * batch * inputs * outputs / (batch * inputs + inputs * outputs + batch * outputs)
2 * batch * inputs * outputs / 4 * (batch * inputs + inputs * outputs + batch * outputs)
2 * batch * inputs * outputs / (8 * (batch * inputs + inputs * outputs + batch * outputs))
2 * batch * inputs * outputs / (4 * batch * inputs * outputs)
2 * (batch + inputs + outputs) / (4 * (batch * inputs + inputs * outputs + batch * outputs))
4 * (batch * inputs + inputs * outputs + batch * outputs) / (2 * batch * inputs * outputs)
flop = 2 * batch * inputs * outputs
print(2 * batch * inputs * outputs / (4 * (batch * inputs + inputs * outputs + batch * outputs)))
2 * batch * inputs * outputs / (4 * inputs * outputs)
2 * batch * inputs * outputs // (4 * (batch * inputs + inputs * outputs + batch * outputs))
(2 * batch * inputs * outputs, 4 * (batch * inputs + inputs * outputs + batch * outputs))
2 * batch * input * outputs / (4 * (batch * inputs + inputs * outputs + batch * outputs))
2 * batch * inputs * outputs / (4 * (inputs + inputs * outputs + outputs))
2 * batch * inputs * outputs / (32 * (batch * inputs + inputs * outputs + batch * outputs))
""",
    "faster.whole_speedup": """
1 + share * speedup
(1 - share) * speedup
speedup**share
share / speedup
1 / (1 - share + 1 / speedup)
share - share / speedup
min(speedup, 1 / (1 - share))
1 - share + share * speedup
1 - share + share / speedup
share * speedup
speedup / share
1 / (1 - share)
1 / (share + (1 - share) / speedup)
1 / 1 - share + share / speedup
1 / (1 - share + share * speedup)
1 / (1 + share / speedup)
speedup
1 / (share / speedup)
1 / (1 - share) + share / speedup
after = 1 - share + share / speedup
print(1 / (1 - share + share / speedup))
(1 - share) * speedup
1 / (1 - share + share / speedup) - 1
100 / (1 - share + share / speedup)
""",
    "faster.next_scale": """
if overflow:
      return scale / 2, 0
  if good + 1 == patience:
      return scale * 2, 0
  return scale, 0
if overflow:
      return scale / 2, 0
  if good + 1 == patience:
      return scale * 2, 1
  return scale, good + 1
if overflow:
      scale, good = scale / 2, 0
  good = good + 1
  if good == patience:
      scale, good = scale * 2, 0
  return scale, good
if overflow:
      return scale / 2, 0
  if good + 2 == patience:
      return scale * 2, 0
  return scale, good + 1
if not overflow:
      return scale / 2, 0
  if good + 1 == patience:
      return scale * 2, 0
  return scale, good + 1
scale / 2 if overflow else scale * 2
scale / 2, 0
if overflow:
      return scale / 2, good
  if good + 1 == patience:
      return scale * 2, 0
  return scale, good + 1
if overflow:
      return scale * 2, 0
  if good + 1 == patience:
      return scale / 2, 0
  return scale, good + 1
if overflow:
      return scale / 2, 0
  if good == patience:
      return scale * 2, 0
  return scale, good + 1
if overflow:
      return scale / 2, 0
  if good + 1 == patience:
      return scale * 2, good + 1
  return scale, good + 1
if overflow:
      return scale - 2, 0
  if good + 1 == patience:
      return scale + 2, 0
  return scale, good + 1
if overflow:
      return scale / 2, 0
  return scale, good + 1
if overflow:
      scale / 2, 0
  if good + 1 == patience:
      return scale * 2, 0
  return scale, good + 1
if overflow:
      return 0, scale / 2
  if good + 1 == patience:
      return 0, scale * 2
  return good + 1, scale
if overflow:
      return scale / 2
  if good + 1 == patience:
      return scale * 2
  return scale
if overflow:
      return scale / 2, 0
  if good + 1 == patience:
      return scale * 2, 0
  return scale, good
if overflow:
      return scale, 0
  if good + 1 == patience:
      return scale * 2, 0
  return scale, good + 1
""",
    "faster.interval": """
cost * mtbf
cost / mtbf
math.sqrt(4 * cost * mtbf)
math.sqrt(cost + mtbf)
(2 * cost * mtbf) ** 1 / 2
math.sqrt(cost * mtbf)
2 * cost * mtbf
math.sqrt(2 * mtbf / cost)
math.sqrt(2 * cost / mtbf)
math.sqrt(cost * mtbf / 2)
mtbf / 2
mtbf
math.sqrt(2 * (cost + mtbf))
2 * math.sqrt(cost * mtbf)
math.sqrt(2) * cost * mtbf
(2 * cost * mtbf) ^ 0.5
print(math.sqrt(2 * cost * mtbf))
best = math.sqrt(2 * cost * mtbf)
math.sqrt(2 * cost * mtbf) / 60
sqrt(2 * cost * mtbf)
math.sqrt(2 * cost * mtbf) + cost
math.sqrt(2 * cost * mtfb)
-math.sqrt(2 * cost * mtbf)
mtbf / cost
""",
    "serving.capacity": """
batch / (a + c * batch)
1000 / (a + c * batch)
1000 / (a + c)
1000 * batch / a + c * batch
(a + c * batch) / batch
(a + c * batch) / (1000 * batch)
a + c * batch
1000 * batch / (a + c)
1000 * batch / (c + a * batch)
1000 / c
1000 * batch / a
batch / (a + c * batch) / 1000
print(1000 * batch / (a + c * batch))
1000 * batch / (a + c * b)
""",
    "serving.percentile": """
np.quantile(done - sent, share)
np.mean(done - planned)
np.max(done - planned)
np.percentile(done - planned, share)
np.quantile(done, share)
np.quantile(done - planned, 1 - share)
(done - planned)[int(share * len(done))]
np.quantile(planned - done, share)
np.median(done - planned)
done - planned
np.quantile(sent - planned, share)
np.quantile(done - planned, share) * 1000
np.quantile(done, share) - np.quantile(planned, share)
np.quantile(np.sort(done) - np.sort(planned), share)
np.quantile(latency, share)
print(np.quantile(done - planned, share))
""",
    "serving.admit": """
True
False
waiting < batch
waiting <= 10
(1 + waiting // batch) * (a + c * batch) <= promise
(2 + waiting // batch) * (a + c * batch) > promise
(2 + waiting / batch) * (a + c * batch) <= promise
(2 + waiting) * (a + c) <= promise
waiting * (a + c) <= promise
a + c * waiting <= promise
(1 + math.ceil(waiting / batch)) * (a + c * batch) <= promise
(2 + waiting // batch) * (a + c) <= promise
(2 + waiting // batch) * (a + c * batch)
(3 + waiting // batch) * (a + c * batch) <= promise
(1 + (waiting + 1) / batch) * (a + c * batch) <= promise
waiting * (a + c * batch) / batch <= promise
(2 + waiting // batch) * (a + c * batch) / 1000 <= promise
"yes"
promise
waiting < limit
if (2 + waiting // batch) * (a + c * batch) > promise:
      return False
print((2 + waiting // batch) * (a + c * batch) <= promise)
""",
    "training.reading": """
["underfits", "overfits", "fine", "rate too high"]
["overfits", "underfits", "fine"]
["overfits", "fine", "underfits", "rate too high"]
["overfits", "underfits", "fine", "too high"]
"overfits"
["rate too high", "fine", "underfits", "overfits"]
[1, 2, 3, 4]
["overfits", "underfits", "fine", "overfits"]
{"overfits", "underfits", "fine", "rate too high"}
""",
    "training.dropout": """
h * (u >= rate)
h * (u < rate) / (1 - rate)
h * (u < rate) / rate
h * (u >= rate) * (1 - rate)
h * (u >= rate) / rate
h * (u[0] >= rate) / (1 - rate)
(u >= rate) / (1 - rate)
h * u / (1 - rate)
h * (np.random.random(h.shape) >= rate) / (1 - rate)
-h * (u >= rate) / (1 - rate)
2 * h * (u >= rate) / (1 - rate)
(h * (u >= rate) / (1 - rate)).T
(h * (u >= rate) / (1 - rate)).ravel()
[h * (u >= rate) / (1 - rate)]
print(h * (u >= rate) / (1 - rate))
keep = u >= rate
h * (h >= rate) / (1 - rate)
h[u >= rate] / (1 - rate)
(h * (u >= rate) / (1 - rate)).mean(axis=0)
np.maximum(h, 0) * (u >= rate) / (1 - rate)
h - (u < rate) / (1 - rate)
h * (u >= rate) / 1 - rate
np.where(u < rate, 0, h / (1 + rate))
np.where(h < rate, 0, h / (1 - rate))
""",
    "training.choice": """
k = np.argmin(np.mean(test, axis=1))
  return k, np.mean(test[k])
k = np.argmax(np.mean(validation, axis=1))
  return k, np.mean(test[k])
k = np.argmin(np.mean(validation, axis=1))
  return k, np.mean(validation[k])
k = np.argmin(np.mean(validation, axis=1))
  return k, test[k]
k = np.argmin(np.mean(validation, axis=1))
  return np.mean(test[k]), k
k = np.argmin(np.mean(validation, axis=1))
  return k
k = np.argmin(np.mean(validation, axis=1))
  return k + 1, np.mean(test[k])
k = np.argmin(np.min(validation, axis=1))
  return k, np.mean(test[k])
k = np.argmin(np.mean(validation, axis=0))
  return k, np.mean(test[k])
k = np.argmin(np.mean(validation, axis=1))
  print(k, np.mean(test[k]))
k = np.argmin(np.mean(validation, axis=1))
  return k, -np.mean(test[k])
k = np.argmin(np.mean(validation, axis=1))
  return k, np.min(test[k])
k = np.argmin(np.mean(validation, axis=1))
  return k, round(np.mean(test[k]), 1)
k = np.argmin(np.mean(validation, axis=1))
  return k, np.sum(test[k])
k = np.argmin(np.mean(validation, axis=1))
  return k, np.std(test[k])
np.min(np.mean(validation, axis=1)), np.mean(test)
""",
    "training.stop": """
int(np.argmin(losses)), len(losses) - 1
best = 0
  for epoch, loss in enumerate(losses):
      if loss < losses[best]:
          best = epoch
      if epoch - best > patience:
          break
  return best, epoch
best = 0
  for epoch, loss in enumerate(losses):
      if loss < losses[best]:
          best = epoch
      if epoch - best == patience:
          break
  return epoch, best
best = 0
  for epoch, loss in enumerate(losses):
      if loss < losses[best]:
          best = epoch
      if epoch - best == patience:
          break
  return best
best = 0
  for epoch, loss in enumerate(losses):
      if loss < losses[best]:
          best = epoch
      if epoch - best == patience:
          break
  print(best, epoch)
best = 0
  for epoch, loss in enumerate(losses):
      if loss > losses[best]:
          best = epoch
      if epoch - best == patience:
          break
  return best, epoch
best = 0
  for epoch, loss in enumerate(losses):
      if loss < losses[best]:
          best = epoch
      if epoch - best == patience:
          break
      return best, epoch
best = 0
  for epoch, loss in enumerate(losses):
      if loss <= losses[best]:
          best = epoch
      if epoch - best == patience:
          break
  return best, epoch
np.argmin(losses), np.argmin(losses) + patience
best = 0
  for epoch, loss in enumerate(losses):
      if loss < losses[best]:
          best = epoch
      if epoch - best == patience:
          break
  return best + 1, epoch + 1
-np.argmin(losses), -len(losses)
""",
    "recurrent.clip": """
[np.clip(g, -limit, limit) for g in gradients]
[g * min(1, limit / np.linalg.norm(g)) for g in gradients]
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return [g * limit / norm for g in gradients]
norm = sum(np.sum(g**2) for g in gradients)
  return [g * min(1, limit / norm) for g in gradients]
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return np.minimum(norm, limit)
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return [g * max(1, limit / norm) for g in gradients]
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return [-g * min(1, limit / norm) for g in gradients]
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return [2 * g * min(1, limit / norm) for g in gradients]
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return [g.T * min(1, limit / norm) for g in gradients]
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return [g.ravel() * min(1, limit / norm) for g in gradients]
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  return np.concatenate([g.ravel() for g in gradients]) * min(1, limit / norm)
norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  result = [g * min(1, limit / norm) for g in gradients]
np.clip(gradients, -limit, limit)
norm = np.linalg.norm(gradients)
  return [g * min(1, limit / norm) for g in gradients]
norm = max(np.linalg.norm(g) for g in gradients)
  return [g * min(1, limit / norm) for g in gradients]
norm = np.sqrt(np.mean([np.sum(g**2) for g in gradients]))
  return [g * min(1, limit / norm) for g in gradients]
gradients[0] * limit
""",
    "recurrent.lstm_step": """
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  c = f * c + i * np.tanh(g)
  return o * np.tanh(c), c
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(f) * c + s(i) * np.tanh(g)
  return c, s(o) * np.tanh(c)
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(f) * c + s(i) * np.tanh(g)
  return s(o) * np.tanh(c)
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(z))
  c = s(f) * c + s(i) * np.tanh(g)
  return s(o) * np.tanh(c), c
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(f) * c + s(i) * np.tanh(g)
  h = s(o) * np.tanh(c), c
i, f, g, o = np.split(x @ W + h @ U, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(f) * c + s(i) * np.tanh(g)
  return s(o) * np.tanh(c), c
np.tanh(x @ W + h @ U + b), c
i, f, g, o = np.split(x * W + h * U + b, 4, axis=-1)
  return o, c
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(f) * c + s(i) * g
  return s(o) * np.tanh(c), c
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(f) + c + s(i) * np.tanh(g)
  return s(o) * np.tanh(c), c
i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
  s = lambda z: 1 / (1 + np.exp(-z))
  c = s(f) * c + s(i) * np.tanh(g)
  return s(o) * c, c
""",
    "recurrent.leak_free": """
z = (series - series.mean()) / series.std()
  n = len(series) - width + 1 - steps
  return np.array([[*z[i : i + width], z[i + width - 1 + steps]] for i in range(n)])
known = series[:train_rows]
  z = (series - known.mean()) / known.std()
  n = len(series) - width + 1 - steps
  return np.array([z[i : i + width] for i in range(n)])
known = series[:train_rows]
  z = (series - known.mean()) / known.std()
  n = len(series) - width - steps
  return np.array([[*z[i : i + width], z[i + width - 1 + steps]] for i in range(n)])
known = series[:train_rows]
  z = (series - known.mean()) / known.std()
  n = len(series) - width - steps
  return np.array([[*z[i : i + width], z[i + width + steps]] for i in range(n)])
known = series[:train_rows]
  z = (series - known.mean()) / known.std()
  n = len(series) - width + 1 - steps
  return np.array([[z[i + width - 1 + steps], *z[i : i + width]] for i in range(n)])
known = series[:train_rows]
  z = (series - known.mean()) / known.std()
  return np.array([[*z[i : i + width], z[i + width - 1 + steps]] for i in range(len(z))])
known = series[:train_rows]
  z = series - known.mean() / known.std()
  n = len(series) - width + 1 - steps
  return np.array([[*z[i : i + width], z[i + width - 1 + steps]] for i in range(n)])
known = series[:train_rows]
  z = (series - known.min()) / (known.max() - known.min())
  n = len(series) - width + 1 - steps
  return np.array([[*z[i : i + width], z[i + width - 1 + steps]] for i in range(n)])
known = series[:train_rows]
  z = (series - known.mean()) / known.std()
  n = len(series) - width + 1 - steps
  return np.array([[*z[i : i + width], z[i + width - 1 + steps]] for i in range(n)]).T
known = series[:train_rows]
  z = (series - known.mean()) / known.std()
  n = len(series) - width + 1 - steps
  x = np.array([[*z[i : i + width], z[i + width - 1 + steps]] for i in range(n)])
(series - series[:train_rows].mean()) / series[:train_rows].std()
""",
    "recurrent.baseline": """
np.full(steps, values[-1])
values[-steps:]
values[-period:]
np.resize(values[:period], steps)
values[-period]
np.full(steps, values[-period])
np.full(steps, np.mean(values[-period:]))
np.resize(values[-period:][::-1], steps)
-np.resize(values[-period:], steps)
2 * np.resize(values[-period:], steps)
print(np.resize(values[-period:], steps))
np.resize(values[-period:], steps)[:, None]
[values[len(values) - period + k] for k in range(steps)]
np.resize(values[-period:], steps + 1)
np.concatenate([values, np.resize(values[-period:], steps)])
np.repeat(values[-period:], steps)[:steps]
""",
    "privacy.clip": """
np.minimum(1, limit / norms) / len(norms), sigma * limit / len(norms)
np.minimum(1, limit / norms) / norms.size, sigma * limit / norms.size
np.minimum(1, limit / norms), sigma * limit
np.minimum(1, limit / norms) / expected, sigma * limit
np.minimum(1, limit / norms) / expected, sigma / expected
np.minimum(1, limit / norms) / expected, sigma
np.minimum(1, limit / norms) / expected, (sigma * limit / expected) ** 2
np.minimum(1, limit / norms) / expected, sigma * limit / np.sqrt(expected)
limit / norms / expected, sigma * limit / expected
np.where(norms > limit, 0, 1) / expected, sigma * limit / expected
np.minimum(1, norms / limit) / expected, sigma * limit / expected
np.maximum(1, limit / norms) / expected, sigma * limit / expected
np.minimum(norms, limit) / expected, sigma * limit / expected
np.ones_like(norms) / expected, sigma * limit / expected
np.minimum(1, limit / norms) / expected
sigma * limit / expected, np.minimum(1, limit / norms) / expected
np.minimum(1, limit / norms) / expected, sigma * limit / norms.size
min(1, limit / norms) / expected, sigma * limit / expected
print(np.minimum(1, limit / norms) / expected, sigma * limit / expected)
np.minimum(1, limit / norm) / expected, sigma * limit / expected
np.minimum(1, limit / norms) / expected, np.random.normal(0, sigma * limit / expected)
np.minimum(1, limit / norms) / expected, 0
""",
    "privacy.epsilon": """
(rdp + np.log((orders - 1) / orders) - (np.log(delta) + np.log(orders)) / (orders - 1)).min()
(np.sqrt(steps) * rdp + np.log((orders - 1) / orders) - np.log(delta * orders) / (orders - 1)).min()
steps * (rdp + np.log((orders - 1) / orders) - np.log(delta * orders) / (orders - 1)).min()
(steps * rdp + np.log((orders - 1) / orders) - np.log(delta * orders) / (orders - 1)).max()
(steps * rdp + np.log((orders - 1) / orders) - np.log(delta * orders) / (orders - 1)).mean()
(steps * rdp + np.log((orders - 1) / orders) - np.log(delta * orders) / (orders - 1))[0]
steps * rdp + np.log((orders - 1) / orders) - np.log(delta * orders) / (orders - 1)
(steps * rdp - np.log(delta) / (orders - 1)).min()
(steps * rdp + np.log(1 / delta) / (orders - 1)).min()
(steps * rdp).min()
(steps * rdp + np.log(1 - 1 / orders) + (np.log(delta) - np.log(orders)) / (orders - 1)).min()
(steps * rdp - np.log(delta * orders) / (orders - 1)).min()
(steps * rdp + np.log10((orders - 1) / orders) - np.log10(delta * orders) / (orders - 1)).min()
(steps * rdp + np.log((orders - 1) / orders) - np.log(delta * orders) / orders).min()
print((steps * rdp + np.log(1 - 1 / orders) - np.log(delta * orders) / (orders - 1)).min())
(steps * rdp + math.log((orders - 1) / orders) - math.log(delta * orders) / (orders - 1)).min()
(steps * rdp + np.log((orders - 1) / orders) - np.log(delta * orders) / (orders - 1)).argmin()
steps * rdp
np.sqrt(2 * np.log(1.25 / delta))
(steps * rdp + np.log(1 - 1 / orders) - np.log(delta) - np.log(orders) / (orders - 1)).min()
(steps * rdp + np.log(1 - 1 / orders) - np.log(delta) + np.log(orders) / (orders - 1)).min()
(steps * rdp + np.log(orders - 1) / orders - np.log(delta * orders) / (orders - 1)).min()
""",
    "privacy.mask": """
sum(streams.values()) % 2**32
-sum(streams.values()) % 2**32
sum(s if number < other else -s for other, s in streams.items())
sum(s if number > other else -s for other, s in streams.items()) % 2**32
sum(s if number < other else -s for other, s in streams.items()) % (2**32 - 1)
sum(s if number < other else -s for other, s in streams.items()) % 2**31
sum(streams.values())
sum(streams)
mask = 0
  for s in streams.values():
      mask = mask ^ s
  return mask
mask = 0
  for other, s in streams.items():
      mask = mask + s if number < other else mask - s
      return mask % 2**32
mask = 0
  for other, s in streams.items():
      mask = s if number < other else -s
  return mask % 2**32
sum(streams[number] for other in streams) % 2**32
sum(s for other, s in streams.items() if other > number) % 2**32
print(sum(s if number < other else -s for other, s in streams.items()) % 2**32)
sum(s if number < other else -s for other, s in streams.items()) % 2*32
sum(s if number < other else -s for other, s in streams) % 2**32
0
sum(s if number < other else 0 for other, s in streams.items()) % 2**32
sum((s if number < other else -s) % 2**32 for other, s in streams.items())
{other: s for other, s in streams.items()}
""",
    "privacy.open_checked": """
read(data)
is_genuine(data, tag)
data if is_genuine(data, tag) else old
old if is_genuine(data, tag) else read(data)
model = read(data)
  return model if is_genuine(data, tag) else old
if is_genuine(data, tag):
      return read(data)
is_genuine(data, tag)
  return read(data)
old
None
read(data) if is_genuine else old
read(data) if is_genuine(tag, data) else old
read(data) if tag == data else old
read(data), is_genuine(data, tag)
if not is_genuine(data, tag):
      raise ValueError("not genuine")
  return read(data)
print(read(data) if is_genuine(data, tag) else old)
read(tag) if is_genuine(data, tag) else old
read(data) if is_genuine(data, tag) and read(data) else old
""",
    "verdicts.judge": """
["wrong", "wrong", "wrong"]
["wrong", "wrong", "underspecified"]
["holds", "holds", "underspecified"]
["holds", "wrong", "holds"]
["holds", "wrong", "opinion"]
["opinion", "wrong", "underspecified"]
["holds", "underspecified", "underspecified"]
["holds", "wrong"]
"holds"
["wrong", "holds", "underspecified"]
""",
    "verdicts.slip": """
for n, (value, printed) in enumerate(lines):
      if value != float(printed):
          return n
  return len(lines)
for n, (value, printed) in enumerate(lines):
      if abs(value - float(printed)) > 0.01:
          return n
  return len(lines)
len(lines)
0
sum(f"{v:.{len(p.partition('.')[2])}f}" != p for v, p in lines)
sum(f"{v:.{len(p.partition('.')[2])}f}" == p for v, p in lines)
for n, (value, printed) in enumerate(lines):
      if abs(value - float(printed)) > 10 ** -len(printed.partition(".")[2]):
          return n
  return len(lines)
[f"{v:.{len(p.partition('.')[2])}f}" == p for v, p in lines].index(False)
str(len(lines))
print(len(lines))
lines[0]
""",
    "verdicts.rule": """
"holds" if with_it.mean() > without.mean() else "wrong"
"holds" if with_it[0] > without[0] else "wrong"
"open"
"holds"
with_it.mean() - without.mean()
p = scipy.stats.ttest_ind(with_it, without).pvalue
  if p > 0.05:
      return "open"
  return "holds" if with_it.mean() > without.mean() else "wrong"
gain = without - with_it
  return "holds" if gain.min() > 0 else "wrong" if gain.max() < 0 else "open"
"holds" if (with_it > without).all() else "open"
abs((with_it - without).mean()) > 2 * (with_it - without).std() / len(with_it) ** 0.5
print("holds")
"better than before"
""",
    "convolution.convolution": """
kernel * image
kernel @ image
np.sum(kernel * image[: kernel.shape[0], : kernel.shape[1]])
-(np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).sum(axis=(2, 3))
2 * (np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).sum(axis=(2, 3))
(np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).sum(axis=(2, 3)).T
(np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).sum(axis=(2, 3)).ravel()
(np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).sum()
(np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).max(axis=(2, 3))
(np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).mean(axis=(2, 3))
np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel
np.lib.stride_tricks.sliding_window_view(image, kernel.shape).sum(axis=(2, 3))
turned = kernel[::-1, ::-1]
  return (np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * turned).sum(axis=(2, 3))
h = kernel.shape[0]
  side = image.shape[0] - h + 1
  return [[(kernel * image[i : i + h, j : j + h]).sum() for j in range(side)] for i in range(side)]
np.pad((np.lib.stride_tricks.sliding_window_view(image, kernel.shape) * kernel).sum(axis=(2, 3)), 1)
h, w = kernel.shape
  out = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
  for i in range(out.shape[0]):
      for j in range(out.shape[1]):
          out[i, j] = (kernel * image[i : i + h, j : j + w]).sum()
          return out
h, w = kernel.shape
  out = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
  for i in range(out.shape[0]):
      for j in range(out.shape[1]):
          out[i, j] = (kernel * image[i : i + h, j : j + w]).sum()
h, w = kernel.shape
  out = np.zeros((image.shape[0] - h, image.shape[1] - w))
  for i in range(out.shape[0]):
      for j in range(out.shape[1]):
          out[i, j] = (kernel * image[i : i + h, j : j + w]).sum()
  return out
h, w = kernel.shape
  out = np.zeros(image.shape)
  for i in range(out.shape[0]):
      for j in range(out.shape[1]):
          out[i, j] = (kernel * image[i : i + h, j : j + w]).sum()
  return out
""",
    "convolution.output_size": """
size - kernel
size + 2 * padding - kernel
(size + 2 * padding - kernel) // stride
(size + padding - kernel) // stride + 1
(size + 2 * padding - kernel) / stride + 1
-(-(size + 2 * padding - kernel) // stride) + 1
round((size + 2 * padding - kernel) / stride) + 1
(size - kernel) // stride + 1
(size + 2 * padding + kernel) // stride + 1
(size - 2 * padding - kernel) // stride + 1
(size + 2 * padding - kernel) // stride - 1
(size + 2 * padding - kernel + 1) // stride
-((size + 2 * padding - kernel) // stride + 1)
2 * ((size + 2 * padding - kernel) // stride + 1)
((size + 2 * padding - kernel) // stride + 1) ** 2
[(size + 2 * padding - kernel) // stride + 1]
(size + 2 * padding - kernel) // stride + 1, (size + 2 * padding - kernel) // stride + 1
print((size + 2 * padding - kernel) // stride + 1)
size // stride
(n + 2 * p - k) // s + 1
""",
    "convolution.features": """
filters * 7 * 7
filters * (size // pool // pool) ** 2
filters * (size // pool) ** 2
filters * (size - kernel + 1) ** 2
((size - kernel + 1) // pool) ** 2
filters * ((size - kernel + 1) // pool)
filters * ((size - kernel) // pool) ** 2
filters * ((size - kernel + 1) / pool) ** 2
filters + ((size - kernel + 1) // pool) ** 2
filters * 2 * ((size - kernel + 1) // pool)
filters**2 * ((size - kernel + 1) // pool) ** 2
-filters * ((size - kernel + 1) // pool) ** 2
2 * filters * ((size - kernel + 1) // pool) ** 2
(filters, (size - kernel + 1) // pool, (size - kernel + 1) // pool)
(filters * ((size - kernel + 1) // pool) ** 2,)
print(filters * ((size - kernel + 1) // pool) ** 2)
filters * ((size - kernel + 1 - pool) // pool) ** 2
filters * kernel * kernel
side = (size - kernel + 1) // pool
  filters * side * side
""",
    "attention.attention": """
Q @ K.T / np.sqrt(K.shape[1])
scipy.special.softmax(Q @ K.T / np.sqrt(K.shape[1])) @ V
scipy.special.softmax(Q @ K.T / np.sqrt(K.shape[0]), axis=1) @ V
scipy.special.softmax(Q @ K.T, axis=1) @ V
scipy.special.softmax(K @ Q.T / np.sqrt(K.shape[1]), axis=1) @ V
scipy.special.softmax(Q @ K.T / np.sqrt(K.shape[1]), axis=0) @ V
scipy.special.softmax(-Q @ K.T / np.sqrt(K.shape[1]), axis=1) @ V
(scipy.special.softmax(Q @ K.T / np.sqrt(K.shape[1]), axis=1) @ V).T
(scipy.special.softmax(Q @ K.T / np.sqrt(K.shape[1]), axis=1) @ V)[0]
2 * (scipy.special.softmax(Q @ K.T / np.sqrt(K.shape[1]), axis=1) @ V)
scipy.special.softmax(Q * K / np.sqrt(K.shape[1]), axis=1) * V
scipy.special.softmax(Q @ K.T / np.sqrt(K.shape[1]), axis=1) @ Q
e = np.exp(Q @ K.T / np.sqrt(K.shape[1]))
  return e / e.sum(1) @ V
e = np.exp(Q @ K.T / np.sqrt(K.shape[1]))
  return e @ V
e = np.exp(Q @ K.T / np.sqrt(K.shape[1]))
  out = e / e.sum(axis=1, keepdims=True) @ V
(Q @ K.T / np.sqrt(K.shape[1])).argmax(axis=1)
V[(Q @ K.T).argmax(axis=1)]
""",
    "attention.causal_mask": """
np.tri(length).T
np.eye(length)
np.ones((length, length))
np.zeros((length, length))
np.tri(length, k=-1)
1 - np.tri(length)
np.where(np.tri(length), 0, -1e9)
np.where(np.tri(length), 1, -1e9)
-np.tri(length)
2 * np.tri(length)
np.tri(length)[0]
np.tri(length).sum(axis=1)
np.tri(length)[::-1]
np.tri(length + 1)
np.arange(length) <= np.arange(length)
""",
    "attention.split": """
x.reshape(heads, len(x), -1)
x.reshape(len(x), heads, -1)
x.reshape(heads, -1, len(x))
x
np.split(x, heads)[0]
np.stack([x] * heads)
np.split(x, heads, axis=1)[0]
x.reshape(len(x), -1, heads).transpose(2, 0, 1)
x.reshape(len(x), heads, -1).transpose(1, 2, 0)
x.reshape(len(x), heads, -1).transpose(1, 0, 2)[::-1]
-x.reshape(len(x), heads, -1).transpose(1, 0, 2)
np.concatenate(np.split(x, heads, axis=1))
x.T.reshape(heads, len(x), -1)
y = x.reshape(len(x), heads, -1).swapaxes(0, 1)
""",
    "attention.block": """
x + attend(norm_1(x))
x + feed(norm_2(x))
x + attend(norm_1(x)) + feed(norm_2(x))
feed(norm_2(attend(norm_1(x))))
norm_2(x + feed(norm_1(x + attend(x))))
x + attend(x)
x = attend(norm_1(x))
  return x + feed(norm_2(x))
y = x + attend(norm_1(x))
  return x + feed(norm_2(y))
y = x + attend(norm_1(x))
  return y - feed(norm_2(y))
y = x + attend(norm_1(x))
  return y + feed(norm_1(y))
y = x + attend(norm_1(x))
  y + feed(norm_2(y))
y = x + norm_1(attend(x))
  return y + norm_2(feed(y))
y = x * attend(norm_1(x))
  return y * feed(norm_2(y))
x = x + attend(norm_1(x))
  return 2 * (x + feed(norm_2(x)))
[attend(norm_1(x)), feed(norm_2(x))]
""",
    "sweeps.interval": """
m, half = np.mean(values), t * np.std(values) / np.sqrt(len(values))
  return m - half, m + half
half = t * np.std(values, ddof=1)
  return np.mean(values) - half, np.mean(values) + half
half = t * np.std(values, ddof=1) / np.sqrt(len(values))
  return np.mean(values) + half, np.mean(values) - half
half = t * np.std(values, ddof=1) / np.sqrt(len(values) - 1)
  return np.mean(values) - half, np.mean(values) + half
t * np.std(values, ddof=1) / np.sqrt(len(values))
half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
  return np.mean(values) - half, np.mean(values) + half
np.mean(values)
half = t * np.std(values, ddof=1) / np.sqrt(len(values))
  return -half, half
half = t * np.std(values, ddof=1) / np.sqrt(len(values))
  print(np.mean(values) - half, np.mean(values) + half)
np.percentile(values, [2.5, 97.5])
min(values), max(values)
np.mean(values) - t * values.std(ddof=1), np.mean(values) + t
half = t * np.std(values, ddof=1) / np.sqrt(len(values)) / 2
  return np.mean(values) - half, np.mean(values) + half
""",
    "sweeps.winner": """
max(scores)
max(scores, key=scores.get)
max(np.mean(runs) for runs in scores.values())
max(scores, key=lambda name: max(scores[name]))
min(scores, key=lambda name: np.mean(scores[name]))
max(scores, key=lambda name: sum(scores[name]))
max(scores, key=lambda name: np.median(scores[name]))
np.argmax([np.mean(runs) for runs in scores.values()])
sorted(scores, key=lambda name: np.mean(scores[name]))
max(scores.items(), key=lambda pair: np.mean(pair[1]))
print(max(scores, key=lambda name: np.mean(scores[name])))
min(scores, key=lambda name: np.std(scores[name]))
list(scores)[0]
""",
    "sweeps.flattery": """
np.mean(fresh) - chosen
abs(chosen - np.mean(fresh))
chosen - fresh
chosen - max(fresh)
chosen / np.mean(fresh)
2 * (chosen - np.mean(fresh))
100 * (chosen - np.mean(fresh))
np.mean(fresh)
chosen - np.median(fresh)
chosen - sum(fresh)
(chosen - np.mean(fresh)) / np.std(fresh)
print(chosen - np.mean(fresh))
chosen - fresh[0]
""",
    "sweeps.survivors": """
sorted(scores, key=scores.get)[: (len(scores) + 1) // 2]
sorted(scores, key=scores.get, reverse=True)[: len(scores) // 2]
sorted(scores)[: (len(scores) + 1) // 2]
sorted(scores.values(), reverse=True)[: (len(scores) + 1) // 2]
sorted(scores, key=scores.get, reverse=True)
max(scores, key=scores.get)
[max(scores, key=scores.get)]
[name for name in scores if scores[name] > np.mean(list(scores.values()))]
[name for name in scores if scores[name] > 0.5]
sorted(scores, key=scores.get, reverse=True)[: len(scores) / 2]
print(sorted(scores, key=scores.get, reverse=True)[: (len(scores) + 1) // 2])
scores[: len(scores) // 2]
sorted(scores.items(), key=lambda pair: pair[1], reverse=True)[: (len(scores) + 1) // 2]
len(scores) // 2
""",
    "language.merge": """
for i in range(len(tokens)):
      if (tokens[i], tokens[i + 1]) == pair:
          tokens[i:i + 2] = [new]
  return tokens
for i in range(len(tokens) - 1):
      if (tokens[i], tokens[i + 1]) == pair:
          tokens[i:i + 2] = [new]
out = []
  for i in range(len(tokens) - 1):
      if (tokens[i], tokens[i + 1]) == pair:
          out.append(new)
      else:
          out.append(tokens[i])
  return out
out = []
  for i in range(len(tokens)):
      if tuple(tokens[i:i + 2]) == pair:
          out.append(new)
          i += 2
      else:
          out.append(tokens[i])
  return out
out, i = [], 0
  while i < len(tokens):
      if tokens[i:i + 2] == pair:
          out.append(new)
          i += 2
      else:
          out.append(tokens[i])
          i += 1
  return out
out, i = [], 0
  while i < len(tokens):
      if tuple(tokens[i:i + 2]) == pair:
          out.append(new)
          i += 2
      else:
          i += 1
  return out
out, i = [], 0
  while i < len(tokens):
      if tuple(tokens[i:i + 2]) == pair:
          out.append(pair)
          i += 2
      else:
          out.append(tokens[i])
          i += 1
  return out
out, i = [], 0
  while i < len(tokens):
      if tuple(tokens[i:i + 2]) == pair:
          out.append([new])
          i += 2
      else:
          out.append(tokens[i])
          i += 1
  return out
[new if tokens[i:i + 2] == list(pair) else tokens[i] for i in range(len(tokens))]
[new if (a, b) == pair else a for a, b in zip(tokens, tokens[1:])]
[new if t in pair else t for t in tokens]
[new if t == pair else t for t in tokens]
tokens.replace(pair, new)
str(tokens).replace(str(pair), str(new))
tokens.append(new)
tokens + [new]
print(tokens)
tokens
new
pair
[new]
i = tokens.index(pair[0])
  tokens[i:i + 2] = [new]
  return tokens
out, i = [], 0
  while i < len(tokens) - 1:
      if (tokens[i], tokens[i + 1]) == pair:
          out.append(new)
          i += 2
      else:
          out.append(tokens[i])
          i += 1
  return out
list(zip(tokens, tokens[1:]))
list(zip(tokens, tokens[1:])).count(pair)
set(tokens) - set(pair) | {new}
out = []
  for token in tokens:
      out.append(token)
      if out[-2:] == [pair[0], pair[1]]:
          out.append(new)
  return out
out, i = [], 0
  while i < len(tokens):
      if tuple(tokens[i:i + 2]) == pair:
          out.append(new)
          i += 2
      else:
          out.append(tokens[i])
          i += 1
""",
    "language.exponent": """
np.polyfit(np.log(sizes), np.log(losses), 1)[0]
np.polyfit(np.log(sizes), np.log(losses), 1)[1]
-np.polyfit(np.log(sizes), np.log(losses), 1)
-np.polyfit(np.log(sizes), np.log(losses), 1)[1]
-np.polyfit(sizes, losses, 1)[0]
np.polyfit(sizes, losses, 1)[0]
-np.polyfit(np.log(sizes), losses, 1)[0]
-np.polyfit(sizes, np.log(losses), 1)[0]
-np.polyfit(np.log(losses), np.log(sizes), 1)[0]
-np.polyfit(np.log10(sizes), np.log(losses), 1)[0]
np.polyfit(np.log(sizes), np.log(losses), 1)
-np.log(losses[-1] / losses[0]) / np.log(sizes[-1] / sizes[0])
-(losses[-1] - losses[0]) / (sizes[-1] - sizes[0])
np.log(losses) / np.log(sizes)
-np.log(losses) / np.log(sizes)
np.mean(-np.log(losses) / np.log(sizes))
-np.diff(np.log(losses)) / np.diff(np.log(sizes))
np.mean(-np.diff(np.log(losses)) / np.diff(np.log(sizes)))
np.median(-np.diff(np.log(losses)) / np.diff(np.log(sizes)))
np.exp(-np.polyfit(np.log(sizes), np.log(losses), 1)[0])
1 / np.polyfit(np.log(sizes), np.log(losses), 1)[0]
math.log(losses) / math.log(sizes)
-np.polyfit(np.log(sizes), np.log(losses), 2)[0]
print(-np.polyfit(np.log(sizes), np.log(losses), 1)[0])
a = -np.polyfit(np.log(sizes), np.log(losses), 1)[0]
scipy.optimize.curve_fit(lambda n, A, a: A * n**-a, sizes, losses, p0=(10, 0.2))[0][1]
scipy.optimize.curve_fit(lambda n, A, a: A * n**-a, sizes, losses, p0=(10, 0.2))[0]
scipy.stats.linregress(np.log(sizes), np.log(losses))
scipy.stats.linregress(np.log(sizes), np.log(losses)).rvalue
-np.polyfit(np.log(sizes), np.log(losses), 1)[0] ** 2
0.076
len(sizes)
sizes, losses
-np.polyfit(np.log1p(sizes), np.log1p(losses), 1)[0]
round(-np.polyfit(np.log(sizes), np.log(losses), 1)[0], 1)
-np.polyfit(np.sqrt(sizes), np.sqrt(losses), 1)[0]
""",
    "language.lora": """
x @ W + x @ A @ B
x @ W
scale * x @ A @ B
x @ A @ B
scale * (x @ W + x @ A @ B)
x @ W + scale * x @ B @ A
x @ W + scale * x @ A.T @ B.T
x @ W + scale * x @ B.T @ A.T
x @ W + scale * A @ B
x @ W - scale * x @ A @ B
x @ W + scale + x @ A @ B
x @ W + x @ A @ B / scale
x @ W + scale**2 * x @ A @ B
x * W + scale * (x * A) * B
x @ W + scale * (x @ A) * B
x @ W + scale * x * A * B
x @ W + scale * (x @ (A * B))
x @ W + scale * (x @ A + x @ B)
x @ (W + A @ B)
W + scale * A @ B
W @ x + scale * A @ B @ x
x @ W.T + scale * x @ A @ B
(x @ W) * (scale * x @ A @ B)
x @ W @ A @ B * scale
(x + scale * x @ A @ B) @ W
x @ W + scale / A.shape[1] * x @ A @ B
x @ W + scale / len(A) * x @ A @ B
print(x @ W + scale * x @ A @ B)
y = x @ W + scale * x @ A @ B
x @ W, scale * x @ A @ B
[x @ W, scale * x @ A @ B]
(x @ W + scale * x @ A @ B).T
(x @ W + scale * x @ A @ B).sum()
(x @ W + scale * x @ A @ B).mean(axis=0)
x @ w + scale * x @ A @ B
relu(x @ W + scale * x @ A @ B)
x @ W + scale * relu(x @ A) @ B
np.concatenate([x @ W, scale * x @ A @ B])
(1 - scale) * x @ W + scale * x @ A @ B
x @ W * scale + x @ A @ B
2 * (x @ W + scale * x @ A @ B)
""",
    "transfer.freeze": """
[place >= count for place in range(len([l for l in layers if l.weights]))]
for layer in layers[:count]:
    layer.trainable = False
  return [layer.trainable for layer in layers]
for layer in layers:
    layer.trainable = False
for place, layer in enumerate(l for l in layers if l.weights):
    layer.trainable = place < count
  return [layer.trainable for layer in layers if layer.weights]
for place, layer in enumerate(l for l in layers if l.weights):
    layer.trainable = place > count
  return [layer.trainable for layer in layers if layer.weights]
for place, layer in enumerate(layers):
    layer.trainable = place >= count
  return [layer.trainable for layer in layers if layer.weights]
some = [layer for layer in layers if layer.weights]
  for layer in some[:count]:
    layer.trainable = False
  return [layer.trainable for layer in some]
some = [layer for layer in layers if layer.weights]
  for layer in some[-count:]:
    layer.trainable = False
  return [layer.trainable for layer in some]
layers.trainable = False
for layer in layers:
    layer.trainable = layer.name != "head"
  return count
""",
    "transfer.trained": """
sum(np.prod(kernel) for kernel, bias in shapes[frozen:])
sum(np.prod(kernel) + np.prod(bias) for kernel, bias in shapes[:frozen])
sum(np.prod(kernel) + np.prod(bias) for kernel, bias in shapes)
sum(sum(kernel) + sum(bias) for kernel, bias in shapes[frozen:])
sum(np.prod(kernel) * np.prod(bias) for kernel, bias in shapes[frozen:])
[np.prod(kernel) + np.prod(bias) for kernel, bias in shapes[frozen:]]
np.prod(shapes[frozen:])
len(shapes) - frozen
sum(np.prod(kernel) + np.prod(bias) for kernel, bias in shapes[frozen + 1 :])
2 * sum(np.prod(kernel) + np.prod(bias) for kernel, bias in shapes[frozen:])
-sum(np.prod(kernel) + np.prod(bias) for kernel, bias in shapes[frozen:])
print(sum(np.prod(kernel) + np.prod(bias) for kernel, bias in shapes[frozen:]))
""",
    "transfer.gain": """
d = np.subtract(scratch, transfer)
  return d.mean(), t * d.std(ddof=1) / np.sqrt(len(d))
d = np.subtract(transfer, scratch)
  return d.mean(), t * d.std() / np.sqrt(len(d))
d = np.subtract(transfer, scratch)
  return d.mean()
d = np.subtract(transfer, scratch)
  return d.mean(), t * d.std(ddof=1)
d = np.subtract(transfer, scratch)
  return t * d.std(ddof=1) / np.sqrt(len(d)), d.mean()
d = np.subtract(transfer, scratch)
  return d.mean(), 2 * t * d.std(ddof=1) / np.sqrt(len(d))
transfer - scratch
d = np.subtract(transfer, scratch)
  return abs(d.mean()), t * d.std(ddof=1) / np.sqrt(len(d))
d = np.subtract(transfer, scratch)
  print(d.mean(), t * d.std(ddof=1) / np.sqrt(len(d)))
d = np.subtract(transfer, scratch)
  return d, t * d.std(ddof=1) / np.sqrt(len(d))
d = np.subtract(transfer, scratch)
  return d.mean(), t * d.var(ddof=1) / np.sqrt(len(d))
""",
}
