// Numbers as people type them: "12 %", "1e-3", "0,5", "1,000", "10^-3", "1/8".

const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const THOUSANDS = /^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/;

/** The number that a text means, NaN if none; `unit` may follow it. */
export function readNumber(text, unit = "") {
  let rest = text.trim().replace(/[−–]/g, "-").replace(/^[~≈]\s*/, "");
  if (unit && rest.toLowerCase().endsWith(unit.toLowerCase())) rest = rest.slice(0, -unit.length).trim();
  const percent = unit !== "%" && rest.endsWith("%");
  if (percent) rest = rest.slice(0, -1).trim();
  const [above, below, ...more] = rest.split("/");
  if (more.length) return NaN;
  const value = below === undefined ? readProduct(above) : readProduct(above) / readProduct(below);
  if (!Number.isFinite(value)) return NaN;
  return percent ? value / 100 : value;
}

/** A number, a power of ten such as 10^-3, or both as in 2·10^-3. */
function readProduct(text) {
  const parts = text.trim().match(/^(?:(.*?)\s*[x×·*]\s*)?([+-]?)10\s*(?:\^|\*\*)\s*([+-]?\d+)$/);
  if (!parts) return readPlain(text);
  const [, factor, sign, power] = parts;
  return (factor === undefined ? 1 : readPlain(factor)) * Number(`${sign}1e${power}`);
}

function readPlain(text) {
  let digits = text.trim().replace(/(\d)[\s_'’](?=\d{3}(\D|$))/g, "$1"); // 10 000
  if (THOUSANDS.test(digits)) digits = digits.replaceAll(",", "");
  else if (!digits.includes(".")) digits = digits.replace(",", ".");
  return PLAIN.test(digits) ? Number(digits) : NaN;
}
