// What the writing explorer says, as in labkit/explore/language.py.
import { lookedInWords } from "../attention/words.js";

export const LONGEST = 2000; // tokens that it writes at most
const OTHERS = /[^\n -~]/gu; // no line end and no printable character of ASCII

/** What is said of a beginning, behind the number of its tokens. */
function noteOf(beginning, given, context) {
  const strange = [...new Set(beginning.match(OTHERS) ?? [])].slice(0, 3).map((each) => `“${each}”`);
  const notes = [
    strange.length && ` The text that it learned from has no ${strange.join(", no ")}: the bytes stand for nothing it knows.`,
    given > context && ` It reads the last ${context} tokens at once.`,
  ];
  return notes.filter(Boolean).join("");
}

/** What is shown, in words. */
export function writingInWords(beginning, context, { written, rows }, place) {
  const { text, given } = written;
  if (!given) return "The beginning is empty. The network goes on with what is there: type at least one letter.";
  const at = place < text.length ? place : -1;
  if (at >= 0) return lookedInWords(written, rows, at);
  const told = text.length > given
    ? lookedInWords(written, rows, -1)
    : `${given} token${given === 1 ? " is" : "s are"} given. Press Write, or Enter.`;
  const end = text.length - given >= LONGEST ? " Here it stops." : "";
  return told + noteOf(beginning, given, context) + end;
}
