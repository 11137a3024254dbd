// Text of others, and elements. No text becomes markup here: everything goes through `textContent`.

/** What cannot be seen, or changes the order of text, is written as `\u{…}`. */
const unseen = /(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u{115f}\u{1160}\u{3164}\u{ffa0}]|(?! )\p{Zs}/gu;

export const visible = (text) =>
  String(text).toWellFormed?.().replace(unseen, (char) => `\\u{${char.codePointAt(0).toString(16)}}`)
  ?? String(text).replace(unseen, '\ufffd');

/** An element with attributes, and with children that are elements or text. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false)
    .map((child) => (typeof child === 'object' ? child : visible(child))));
  return element;
}

const digits = new Intl.NumberFormat('en-US');

export const number = (value) => digits.format(value);

export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? '' : 's'}`;

export function size(bytes) {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A span of seconds, in words. */
export function span(seconds) {
  for (const [unit, length] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (seconds >= length) return plural(Math.round(seconds / length), unit);
  }
  return plural(seconds, 'second');
}
