// One neuron with one weight and the input 1 learns to answer 0: as in labkit/explore/neuron.py.

export const answer = (w) => 1 / (1 + Math.exp(-w));

/** The slope of each loss for the weight, where the answer is p and the target 0. */
export const SLOPES = {
  mse: (p) => 2 * p * p * (1 - p),
  cross_entropy: (p) => p,
};

/** The weight after 0, 1, ... epochs of gradient descent. */
export function learn(loss, start, rate, epochs) {
  const weights = [start];
  while (weights.length <= epochs) {
    const w = weights[weights.length - 1];
    weights.push(w - rate * SLOPES[loss](answer(w)));
  }
  return weights;
}
