// The way back from LZMA, in which the page carries its modules: a fourth smaller than with gzip, which is all
// that browsers of 2023 undo by themselves. The format is that of a `.lzma` file whose length is known.

/** Decompresses the bytes of a part of the page. */
// eslint-disable-next-line no-unused-vars
function unlzma(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [lc, lp, pb] = [bytes[0] % 9, Math.floor(bytes[0] / 9) % 5, Math.floor(bytes[0] / 45)];
  const out = new Uint8Array(view.getUint32(5, true));
  let at = 18;
  let range = -1 >>> 0;
  let code = view.getUint32(14);
  const probabilities = (length) => new Uint16Array(length).fill(1024);

  /** A bit of the model; `of[index]` is how likely it is 0. */
  function bit(of, index) {
    const probability = of[index];
    const bound = (range >>> 11) * probability;
    let value = 0;
    if (code < bound) {
      range = bound;
      of[index] = probability + ((2048 - probability) >> 5);
    } else {
      range -= bound;
      code -= bound;
      of[index] = probability - (probability >> 5);
      value = 1;
    }
    if (range < 0x1000000) {
      range = (range << 8) >>> 0;
      code = ((code << 8) | bytes[at]) >>> 0;
      at += 1;
    }
    return value;
  }

  function tree(of, bits, start = 0) {
    let node = 1;
    for (let n = 0; n < bits; n += 1) node = (node << 1) | bit(of, start + node);
    return node - (1 << bits);
  }

  function reversed(of, bits, start = 0) {
    let node = 1;
    let value = 0;
    for (let n = 0; n < bits; n += 1) {
      const one = bit(of, start + node);
      node = (node << 1) | one;
      value |= one << n;
    }
    return value;
  }

  /** Bits that no model knows. */
  function direct(bits) {
    let value = 0;
    for (let n = 0; n < bits; n += 1) {
      range >>>= 1;
      const one = code >= range ? 1 : 0;
      if (one) code -= range;
      value = (value << 1) | one;
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | bytes[at]) >>> 0;
        at += 1;
      }
    }
    return value;
  }

  const lengths = () => ({ choice: probabilities(2), low: probabilities(128), mid: probabilities(128), high: probabilities(256) });
  const length = ({ choice, low, mid, high }, position) => {
    if (!bit(choice, 0)) return 2 + tree(low, 3, position << 3);
    if (!bit(choice, 1)) return 10 + tree(mid, 3, position << 3);
    return 18 + tree(high, 8);
  };

  const literals = probabilities(0x300 << (lc + lp));
  const [isMatch, isRep0Long] = [probabilities(192), probabilities(192)];
  const [isRep, isRep0, isRep1, isRep2] = [0, 1, 2, 3].map(() => probabilities(12));
  const [slots, special, align] = [probabilities(256), probabilities(128), probabilities(16)];
  const [matchLengths, repLengths] = [lengths(), lengths()];
  const last = [0, 0, 0, 0];
  let state = 0;
  let end = 0;
  while (end < out.length) {
    const position = end & ((1 << pb) - 1);
    if (!bit(isMatch, (state << 4) + position)) {
      const before = end > 0 ? out[end - 1] : 0;
      const start = 0x300 * (((end & ((1 << lp) - 1)) << lc) + (before >> (8 - lc)));
      let symbol = 1;
      if (state >= 7) {
        let match = out[end - last[0] - 1];
        while (symbol < 0x100) {
          const expected = (match >> 7) & 1;
          match <<= 1;
          const one = bit(literals, start + ((1 + expected) << 8) + symbol);
          symbol = (symbol << 1) | one;
          if (one !== expected) break;
        }
      }
      while (symbol < 0x100) symbol = (symbol << 1) | bit(literals, start + symbol);
      out[end] = symbol;
      end += 1;
      if (state < 4) state = 0;
      else state -= state < 10 ? 3 : 6;
      continue;
    }
    let count;
    if (bit(isRep, state)) {
      if (!bit(isRep0, state)) {
        if (!bit(isRep0Long, (state << 4) + position)) {
          state = state < 7 ? 9 : 11;
          out[end] = out[end - last[0] - 1];
          end += 1;
          continue;
        }
      } else {
        const which = !bit(isRep1, state) ? 1 : 2 + bit(isRep2, state);
        last.unshift(last.splice(which, 1)[0]);
      }
      count = length(repLengths, position);
      state = state < 7 ? 8 : 11;
    } else {
      count = length(matchLengths, position);
      state = state < 7 ? 7 : 10;
      const slot = tree(slots, 6, Math.min(count - 2, 3) << 6);
      let distance = slot;
      if (slot >= 4) {
        const bits = (slot >> 1) - 1;
        distance = (2 | (slot & 1)) << bits;
        distance += slot < 14 ? reversed(special, bits, distance - slot) : (direct(bits - 4) << 4) + reversed(align, 4);
      }
      last.pop();
      last.unshift(distance);
    }
    const from = end - last[0] - 1;
    if (from < 0) throw new Error('a part of the page is damaged');
    for (let n = 0; n < count; n += 1) out[end + n] = out[from + n];
    end += count;
  }
  return out;
}
