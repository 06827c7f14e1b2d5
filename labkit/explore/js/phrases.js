// What an explorer says, in the learner's language: looked up where it stands in the page.
//
// The code is written in English. `speakPhrases` watches a part of the page and replaces each text, name
// and tip that it knows before the page is drawn; labkit/lab/phrases.py does the same in Python.

const PHRASE_HOLE = /\{[^{}]+\}/g;
const SPOKEN_NAMES = ["aria-label", "title", "placeholder", "aria-valuetext", "alt"];
const PHRASE_ENDS = { ".": "。", ";": "；", ":": "：", "?": "？", "!": "！" };
const PHRASE_CUTS = " ,;:("; // where one of two holes may end
const PHRASE_MANY = 10; // letters of a template that is more than a frame around others
const WIDE_SIGNS = "。，：；！？、（）“”";

let phraseTemplates = [];
const plainPhrases = new Map();
const phrasesSaid = new Map();

const phraseKey = (text) => text.charAt(0).toLowerCase() + text.slice(1);
const evenSpaced = (text) => text.split(/\s+/).filter(Boolean).join(" ");
const phraseEscaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Take [text, translation] pairs; the same explorer may bring them several times. */
export function learnPhrases(pairs) {
  if (!pairs?.length) return;
  phrasesSaid.clear();
  for (const [text, translation] of pairs) {
    if (!text.match(PHRASE_HOLE)) addPlainPhrase(evenSpaced(text), translation);
    else if (!phraseTemplates.some((each) => each.text === text)) phraseTemplates.push(phraseTemplate(text, translation));
  }
  phraseTemplates = phraseTemplates.sort((a, b) => b.weight - a.weight);
}

function addPlainPhrase(text, translation) {
  plainPhrases.set(text, translation);
  if (!plainPhrases.has(phraseKey(text))) plainPhrases.set(phraseKey(text), translation); // "Start" need not mean what "start" does
}

const knownPhrase = (text) => plainPhrases.get(text) ?? plainPhrases.get(phraseKey(text));

/** A text with holes; holes side by side are one group, which holds what both have. */
function phraseTemplate(text, translation) {
  const groups = text.match(/(?:\{[^{}]+\})+/g).map((group) => group.match(PHRASE_HOLE));
  const around = evenSpaced(text).split(/(?:\{[^{}]+\})+/);
  const held = groups.map((group) => heldPattern(group.join("")));
  const pattern = new RegExp(`^${around.map((part, i) => phraseEscaped(part) + (held[i] ?? "")).join("")}$`, "s");
  return { text, translation, groups, pattern, weight: around.join("").replace(/[^A-Za-z]/g, "").length };
}

/** What a group of holes may hold: {s} is the sign of a plural, {x:g} a number. */
function heldPattern(group) {
  if (group === "{s}") return "(s?)";
  return /^\{\w+:g\}$/.test(group) ? "([-+−]?(?:[\\d.,]*\\d(?:e[-+]?\\d+)?)\\s?%?)" : "(.*?)";
}

/** Whether what stands in a hole is more than a part of the sentence. */
function holdsTooMuch(template, held) {
  const ends = [";", ":"].some((sign) => held.includes(`${sign} `) && !template.includes(sign));
  return ends || /[a-z)`][.!?] [A-Z`]/.test(held);
}

function filledPhrase({ text: template, translation, groups, pattern, weight }, text) {
  const found = pattern.exec(text);
  if (!found) return null;
  if (weight >= PHRASE_MANY && found.slice(1).some((held) => holdsTooMuch(template, held))) return null;
  const values = new Map();
  groups.forEach((holes, i) => sharedHoles(found[i + 1], holes.length).forEach((value, j) => values.set(holes[j], value)));
  return translation.replace(PHRASE_HOLE, (hole) => values.get(hole) ?? "");
}

/** What each of some holes side by side holds: the cut that leaves the least English. */
function sharedHoles(text, count) {
  if (count === 1) return [translatedPhrase(text)];
  let best = null;
  for (let at = 1; at < text.length; at++) {
    if (!PHRASE_CUTS.includes(text[at]) && !PHRASE_CUTS.includes(text[at - 1])) continue;
    const cut = [text.slice(0, at), text.slice(at)].map(translatedPhrase);
    if (!best || lettersLeft(cut.join(" ")) < lettersLeft(best.join(" "))) best = cut;
  }
  const whole = translatedPhrase(text);
  return best && lettersLeft(best.join(" ")) <= lettersLeft(whole) ? best : [whole, ""];
}

/** The translation of a text that is known as a whole, or null; of several the least English one. */
function findPhrase(text) {
  const known = knownPhrase(text);
  if (known !== undefined) return known;
  const end = PHRASE_ENDS[text.at(-1)];
  const bare = end && knownPhrase(text.slice(0, -1));
  if (bare !== undefined && end) return bare + end;
  const filled = (said, sign = "") => phraseTemplates.map((each) => filledPhrase(each, said))
    .filter((each) => each !== null).map((each) => each + sign);
  const made = [...(end ? filled(text.slice(0, -1), end) : []), ...filled(text)]; // a sign at the end is of no number
  return made.reduce((best, each) => (best === null || lettersLeft(each) < lettersLeft(best) ? each : best), null);
}

const lettersLeft = (text) => text.match(/[A-Za-z]{2,}/g)?.join("").length ?? 0;

/** A text in the learner's language, as far as it is known. */
export function translatedPhrase(text) {
  if (!plainPhrases.size && !phraseTemplates.length) return text;
  if (!phrasesSaid.has(text)) phrasesSaid.set(text, phraseBySentences(evenSpaced(text)));
  return phrasesSaid.get(text);
}

/** Sentences in the learner's language, cut so that the least English is left. */
function phraseBySentences(text) {
  if (!/[A-Za-z]{2}/.test(text)) return text;
  const sentences = text.split(/(?<=[.!?:;…])\s+/);
  const best = [{ cost: 0, made: [] }];
  for (let end = 1; end <= sentences.length; end++) {
    const choices = sentences.slice(0, end).map((_, start) => {
      const said = findPhrase(sentences.slice(start, end).join(" ")) ?? (end - start === 1 ? sentences[start] : null);
      return said === null ? null : { cost: best[start].cost + lettersLeft(said), made: [...best[start].made, said] };
    });
    best.push(choices.filter(Boolean).reduce((least, each) => (isLessEnglish(each, least) ? each : least)));
  }
  const whole = best.at(-1).made.reduce((all, each) => all + (phrasesTouch(all, each) ? " " : "") + each, "");
  return tidyPhrase(whole);
}

const isLessEnglish = (one, other) => one.cost < other.cost || (one.cost === other.cost && one.made.length < other.made.length);

/** Chinese signs after Chinese, and a space between it and a number. */
function tidyPhrase(text) {
  const signs = { ",": "，", ";": "；", ":": "：" };
  return text.replace(/(?<=[\u4e00-\u9fff）”])([,;:]) /g, (_, sign) => signs[sign])
    .replace(/(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff])/g, "").replace(/(?<=\d)\. (?=[\u4e00-\u9fff])/g, "。").replace(/(?<=[。，：；！？）]) +(?=[\u4e00-\u9fff])/g, "")
    .replace(/(?<=[\u4e00-\u9fff])(?=[-+−]?\d|[A-Za-z])/g, " ").replace(/(?<=[\dA-Za-z%])(?=[\u4e00-\u9fff])/g, " ");
}

const phrasesTouch = (all, each) => all && each && !WIDE_SIGNS.includes(all.at(-1)) && !WIDE_SIGNS.includes(each[0]);

/** Keep the texts of a part of the page in the learner's language; returns a function that ends it. */
export function speakPhrases(root) {
  if (!plainPhrases.size && !phraseTemplates.length) return () => {};
  speakAll(root);
  const changes = new MutationObserver((records) => records.forEach(({ target, addedNodes }) => {
    if (addedNodes.length) addedNodes.forEach(speakAll);
    else speakNode(target);
  }));
  changes.observe(root, { subtree: true, childList: true, characterData: true, attributeFilter: SPOKEN_NAMES });
  return () => changes.disconnect();
}

function speakAll(node) {
  speakNode(node);
  for (const child of node.childNodes) speakAll(child);
}

function speakNode(node) {
  if (node.nodeType === Node.TEXT_NODE) speakText(node);
  else if (node.nodeType === Node.ELEMENT_NODE) SPOKEN_NAMES.forEach((name) => speakAttribute(node, name));
}

function speakText(node) {
  if (["STYLE", "SCRIPT", "PRE", "TEXTAREA"].includes(node.parentNode?.nodeName)) return;
  const [, before, text, after] = node.data.match(/^(\s*)(.*?)(\s*)$/s);
  const spoken = text && translatedPhrase(text);
  if (spoken && spoken !== evenSpaced(text)) node.data = before + spoken + after;
}

function speakAttribute(element, name) {
  const text = element.getAttribute(name);
  const spoken = text && translatedPhrase(text);
  if (spoken && spoken !== evenSpaced(text)) element.setAttribute(name, spoken);
}
