// The settings of a run as text: what the copy buttons copy.
import { asCommand, asParameters } from "../copying.js";
import { python } from "../numbers.js";
import { bare } from "./words.js";

/** The parameters of a run that are set, {name: value}, and the names of those that are floats. */
function parametersOf(table, row) {
  const set = table.named("param").filter((name) => table.column(name).values[row] !== null);
  return {
    values: Object.fromEntries(set.map((name) => [bare(name), table.column(name).values[row]])),
    real: set.filter((name) => table.column(name).real).map(bare),
  };
}

export const COPIES = {
  "Copy as parameters": (table, row) => {
    const { values, real } = parametersOf(table, row);
    return asParameters(values, real);
  },
  "Copy as command": (table, row) => {
    const { values, real } = parametersOf(table, row);
    return asCommand(table.lesson, values, real);
  },
  "Copy as Python": (table, row) => {
    const { values, real } = parametersOf(table, row);
    const pairs = Object.entries(values).map(([name, value]) => `${JSON.stringify(name)}: ${python(value, real.includes(name))}`);
    return `labkit.run("${table.lesson}", {${pairs.join(", ")}})`;
  },
};
