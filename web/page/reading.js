// Bytes of files for the module, which asks for them without waiting.
//
// A browser gives bytes at once only through `FileReaderSync`, whose buffers stay until the collector comes,
// and through streams without waste, but later. So a stream fills a window ahead of the module before each
// step; what the module wants beyond it, in the middle of a step, is read at once.

const PIECE = 1 << 20;
const WINDOW = 4 << 20;
/** A stream that gives nothing for so many milliseconds is given up: Chromium now and then forgets one. */
const PATIENCE = 2000;

const reader = new FileReaderSync();

/** What a promise gives, if it does soon. */
function patiently(promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error('late')), PATIENCE)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// eslint-disable-next-line no-unused-vars
class Reading {
  #file;
  /** Made for the first file that is not short. */
  #window;
  /** Where in the file the window begins, and how many bytes are in it. */
  #start = 0;
  #length = 0;
  /** Where the module reads next. */
  #next = 0;
  #stream;
  #buffer = new ArrayBuffer(PIECE);

  constructor(file) {
    this.#file = file;
  }

  close() {
    this.#stream?.cancel().catch(() => {});
    this.#stream = undefined;
  }

  /** Fills the window, if it is half empty. */
  async fill() {
    const end = this.#start + this.#length;
    // A short file is read at once.
    if (this.#file.size <= PIECE) return;
    if (end - this.#next > WINDOW / 2 || Math.max(end, this.#next) >= this.#file.size) return;
    this.#window ??= new Uint8Array(WINDOW);
    if (this.#next > end || !this.#stream) {
      this.close();
      [this.#start, this.#length] = [this.#next, 0];
      try {
        this.#stream = this.#file.slice(this.#next).stream().getReader({ mode: 'byob' });
      } catch {
        // A browser without such streams: everything is read at once.
        return;
      }
    }
    this.#window.copyWithin(0, this.#next - this.#start, this.#length);
    this.#length -= this.#next - this.#start;
    this.#start = this.#next;
    try {
      // Not up to the answer that there is no more, which may come late as well.
      while (this.#length + PIECE <= WINDOW && this.#start + this.#length < this.#file.size) {
        const { done, value } = await patiently(this.#stream.read(new Uint8Array(this.#buffer, 0, PIECE)));
        if (value) this.#buffer = value.buffer;
        if (done) return;
        this.#window.set(value, this.#length);
        this.#length += value.length;
      }
    } catch {
      // Reading at once says what is wrong.
      this.#buffer = new ArrayBuffer(PIECE);
      this.close();
    }
  }

  /** Reads into `to` from this place: how many bytes, or -1 if the browser cannot. */
  read(offset, to) {
    let count = Math.min(to.length, this.#start + this.#length - offset);
    if (count > 0 && offset >= this.#start) {
      const at = offset - this.#start;
      to.set(this.#window.subarray(at, at + count));
    } else {
      try {
        const bytes = reader.readAsArrayBuffer(this.#file.slice(offset, offset + to.length));
        to.set(new Uint8Array(bytes));
        count = bytes.byteLength;
      } catch {
        return -1;
      }
    }
    this.#next = offset + count;
    return count;
  }
}
