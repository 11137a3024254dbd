// The editors of settings and of a rule: checked while typing, with line and reason.

import { el, plural } from './text.js';

/** So long nothing is typed before it is checked. */
const PAUSE = 300;

/** A text with what is wrong with it below. `check` is asked for problems with `line` and `text`. */
export class Editor {
  #timer;
  #turn = 0;

  constructor(name, check) {
    this.area = document.getElementById(`${name}-text`);
    this.list = document.getElementById(`${name}-problems`);
    this.state = document.getElementById(`${name}-state`);
    this.check = check;
    this.area.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.state.textContent = 'Checking…';
      this.#timer = setTimeout(() => this.run(), PAUSE);
    });
  }

  get text() {
    return this.area.value;
  }

  set(text) {
    this.area.value = text;
    return this.run();
  }

  async run() {
    this.#turn += 1;
    const turn = this.#turn;
    let said;
    try {
      said = await this.check(this.text);
    } catch (error) {
      said = { problems: [{ text: `It could not be checked: ${error.message}` }] };
    }
    // Something else was typed meanwhile.
    if (turn === this.#turn) this.show(said);
  }

  show({ problems = [], warnings = [], good = 'Nothing is wrong.' }) {
    const line = (one, kind) => {
      const where = one.line ? el('button', { type: 'button', class: 'line' }, `Line ${one.line}`) : undefined;
      where?.addEventListener('click', () => this.select(one.line));
      return el('li', { class: kind }, where, where && ': ', kind === 'warning' && 'warning: ', one.text);
    };
    this.list.replaceChildren(...problems.map((one) => line(one, 'problem')), ...warnings.map((one) => line(one, 'warning')));
    this.state.textContent = problems.length === 0 ? good : `${plural(problems.length, 'problem')}: what was in use before still is.`;
    this.area.setAttribute('aria-invalid', String(problems.length > 0));
  }

  /** Selects a line of the text. */
  select(line) {
    const lines = this.text.split('\n');
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    this.area.focus();
    this.area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  }
}
