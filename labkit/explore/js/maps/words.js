// The words of the feature maps, as in labkit/explore/convolution.py.
import { lookAt, mapMaker } from "./maths.js";

const hundredth = (number) => (Math.floor(100 * number + 0.5) / 100).toFixed(2);

/** What one filter answers, and what the value that is looked at has seen. */
export function filterInWords({ digit, layer, channel }, { own, channels, pointed, at, value, strongest, seen }) {
  let said = `Layer ${layer}, channel ${own} of ${channels}`;
  if (channel !== own) said += ` (there is no channel ${channel}; counting starts again)`;
  said += ` for a ${digit}: `;
  if (strongest <= 0) return `${said}silent, every value is 0.`;
  const [row, column] = at;
  said += pointed ? `row ${row}, column ${column} of the map answers ${hundredth(value)}; the strongest answer is ${hundredth(strongest)}.`
    : `strongest answer ${hundredth(value)}, in row ${row}, column ${column} of the map.`;
  return `${said} It has seen the ${seen[2]} × ${seen[2]} pixels framed on the left.`;
}

/** All of it for some settings, as the tests ask. */
export function answerAll({ layers, examples, cases }) {
  const maps = mapMaker(layers, examples);
  return cases.map((each) => {
    const looked = lookAt(layers, maps(each.digit), each);
    return { answer: looked.answer, text: filterInWords(each, looked) };
  });
}
