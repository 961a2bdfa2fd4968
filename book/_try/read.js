/**
 * Matrices and labels from files: .npy, .npz and .csv, refused in the library's words (pvlib/study/formats).
 *
 * NumPy's header is read here, because the readers that there are do not compare what it promises with what is there, and none
 * reads the other byte order. Zip archives are fflate's, comma-separated text is Papa Parse's. Nothing is unpickled.
 */

const COPY = "copy or save it again";
const MEBI = 2 ** 20;
/** Bytes that one file may have, and hold once unpacked as float64: beyond that a tab is closed by the browser, not by us. */
export const LARGEST = 512 * MEBI;
const KNOWN = [".npy", ".npz", ".csv"];
const LONGEST_HEADER = 10_000; // characters, as NumPy has it

/** What a file may hold, by NumPy's letter and size: how one entry is read, and whether float32 holds it all. */
const TYPES = /** @type {Record<string, {make: any, single: boolean, dtype: string}>} */ ({
  f2: { make: Uint16Array, single: true, dtype: "float16" },
  f4: { make: Float32Array, single: true, dtype: "float32" },
  f8: { make: Float64Array, single: false, dtype: "float64" },
  i1: { make: Int8Array, single: true, dtype: "int8" },
  i2: { make: Int16Array, single: true, dtype: "int16" },
  i4: { make: Int32Array, single: false, dtype: "int32" },
  i8: { make: BigInt64Array, single: false, dtype: "int64" },
  u1: { make: Uint8Array, single: true, dtype: "uint8" },
  u2: { make: Uint16Array, single: true, dtype: "uint16" },
  u4: { make: Uint32Array, single: false, dtype: "uint32" },
  u8: { make: BigUint64Array, single: false, dtype: "uint64" },
  b1: { make: Uint8Array, single: true, dtype: "bool" },
});

/** A file that does not hold what it should; the text says what it holds and what to do. */
export class Refused extends Error {}

/** A file of several arrays, of which one must be named. */
export class Several extends Refused {
  /** @param {string[]} names */
  constructor(names) {
    const some = names.slice(0, 8).join(", ") + (names.length > 8 ? ", ..." : "");
    super(`expected one array in the file, found ${names.length}: ${some}; choose one`);
    this.names = names;
  }
}

/**
 * The matrix of a file, named as the library would: FILE, or FILE:ARRAY.
 * @param {string} name
 * @param {Uint8Array} bytes
 * @param {string} [array] of an .npz file with several
 * @returns {Matrix}
 */
export function readMatrix(name, bytes, array) {
  const shown = oneLine(array === undefined ? name : `${name}:${array}`);
  return named(shown, () => {
    const kind = kindOf(name, bytes);
    const { shape, data, dtype, header, member } = {
      header: false,
      member: undefined,
      ...(kind === ".csv" ? csv(bytes) : arrayOf(kind, bytes, array)),
    };
    if (shape.length !== 2) {
      throw new Refused(`expected a matrix (samples x features), got an array of shape ${tuple(shape)}; reshape it`);
    }
    const [n, d] = shape;
    if (n === 0) throw new Error(`${shown} is empty (shape ${tuple(shape)}): there is not one row to measure`);
    if (d === 0) throw new Error(`${shown} has no columns (shape ${tuple(shape)})`);
    if (n === 1)
      throw new Refused("features have 1 row: a P-vector over one sample is always 1; at least two samples are needed");
    return { name: shown, n, d, data, dtype, header, member };
  });
}

/**
 * One label for every sample, from a column of text or numbers.
 * @param {string} name
 * @param {Uint8Array} bytes
 * @returns {Labels}
 */
export function readLabels(name, bytes) {
  return named(name, () => {
    const kind = kindOf(name, bytes);
    if (kind === ".csv") {
      /** @type {string[]} */
      const values = [];
      eachLine(bytes, (line, number) => {
        if (line.length !== 1) throw new Refused(`line ${number} has ${line.length} cells; labels are one column`);
        values.push(line[0].trim());
      });
      return { name, values };
    }
    const { shape, data } = arrayOf(kind, bytes);
    if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
      throw new Refused(`expected one label for each sample, got an array of shape ${tuple(shape)}`);
    }
    return { name, values: Array.from(data, String) };
  });
}

/**
 * Labels for `n` samples: a first line more than that is a header.
 * @param {Labels} labels
 * @param {number} n
 * @returns {Labels}
 */
export function labelsFor(labels, n) {
  const { name, values } = labels;
  if (values.length === n) return labels;
  if (values.length === n + 1 && name.toLowerCase().endsWith(".csv")) return { name, values: values.slice(1) };
  throw new Refused(
    `${name}: it holds ${values.length} labels for ${n} samples; one for each is needed, in the same order`,
  );
}

/**
 * @template T
 * @param {string} name
 * @param {() => T} read
 * @returns {T}
 */
function named(name, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) error.message = `${name}: ${error.message}`;
    throw error;
  }
}

/** What would break a line or could not be seen is escaped, as Python writes it. */
export const oneLine = (/** @type {string} */ text) =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (letter) =>
    JSON.stringify(letter)
      .slice(1, -1)
      .replace(/^\\u00/, "\\x"),
  );

/** @param {number[]} shape */
const tuple = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 */
function kindOf(name, bytes) {
  const kind = (/\.[^.]*$/.exec(name)?.[0] ?? "").toLowerCase();
  if (!KNOWN.includes(kind)) throw new Refused(`unknown kind of file '${kind}'; known: ${KNOWN.join(", ")}`);
  if (bytes.length === 0) throw new Refused(`it is empty; ${COPY}`);
  checkSize(bytes.length);
  const starts = (/** @type {number[]} */ ...signature) => signature.every((byte, i) => bytes[i] === byte);
  if (starts(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59) && kind !== ".npy")
    throw new Refused("it holds what a .npy file holds; rename it");
  if (starts(0x50, 0x4b, 3, 4) && kind !== ".npz")
    throw new Refused("it holds what a .npz or .pt file holds; rename it");
  return kind;
}

/** @param {number} bytes */
export function checkSize(bytes) {
  if (bytes <= LARGEST) return;
  throw new Refused(
    `it needs ${(bytes / MEBI).toFixed(0)} MiB and a page takes ${LARGEST / MEBI} MiB a file at most; ` +
      "use `pvlib compare` on the command line, which reads it in parts",
  );
}

/**
 * @param {string} kind
 * @param {Uint8Array} bytes
 * @param {string} [array]
 */
const arrayOf = (kind, bytes, array) => (kind === ".npz" ? npz(bytes, array) : npy(bytes));

/**
 * NumPy's zip archive of .npy members, compressed or not.
 * @param {Uint8Array} bytes
 * @param {string} [array]
 */
function npz(bytes, array) {
  /** @type {import("fflate").UnzipFileInfo[]} */
  const members = [];
  const damaged = (/** @type {unknown} */ error) =>
    new Refused(`damaged, or not a .npz file; ${COPY} (${error instanceof Error ? error.message : error})`);
  try {
    fflate.unzipSync(bytes, { filter: (info) => members.push(info) < 0 });
  } catch (error) {
    throw damaged(error);
  }
  const label = (/** @type {string} */ file) => file.replace(/\.npy$/, "");
  const wanted = members.filter(({ name }) => array === undefined || label(name) === array);
  if (!members.length) throw new Refused(`it holds no array; ${COPY}`);
  if (wanted.length !== 1 && array === undefined) throw new Several(members.map(({ name }) => label(name)));
  if (wanted.length !== 1) {
    const there = members.map(({ name }) => label(name)).join(", ");
    throw new Refused(`it holds ${wanted.length} arrays of the name '${array}'; there are: ${there}`);
  }
  const [{ name, originalSize }] = wanted;
  if (!name.endsWith(".npy"))
    throw new Refused(`${name} in it is not an array of NumPy; save the matrix alone with numpy.savez`);
  checkSize(originalSize);
  let content;
  try {
    content = fflate.unzipSync(bytes, { filter: (info) => info.name === name })[name];
  } catch (error) {
    throw damaged(error);
  }
  const { checksum, encrypted } = entryOf(bytes, name);
  if (encrypted) throw damaged(`${name} in it is encrypted`);
  if (content.length !== originalSize) throw new Refused(`${name} in it is cut off; ${COPY}`);
  if (crc32(content) !== checksum) throw damaged(`the checksum of ${name} in it is wrong`);
  return { ...npy(content), member: label(name) };
}

/**
 * What fflate leaves out of a zip archive's directory: the checksum of a member, and whether it is encrypted.
 * @param {Uint8Array} bytes
 * @param {string} name
 */
function entryOf(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  let at = end < 0 ? bytes.length : view.getUint32(end + 16, true);
  if (at === 0xffffffff) at = Number(view.getBigUint64(Number(view.getBigUint64(end - 12, true)) + 48, true)); // zip64
  while (at + 46 <= bytes.length && view.getUint32(at, true) === 0x02014b50) {
    const length = view.getUint16(at + 28, true);
    if (new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + length)) === name) {
      return { checksum: view.getUint32(at + 16, true), encrypted: (view.getUint16(at + 8, true) & 1) === 1 };
    }
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return { checksum: -1, encrypted: false };
}

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    return value;
  });
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) sum = (sum >>> 8) ^ table[(sum ^ bytes[i]) & 255];
  return ~sum >>> 0;
}

/**
 * NumPy's format.
 * @param {Uint8Array} bytes
 */
function npy(bytes) {
  const { start, descr, fortran, shape } = npyHeader(bytes);
  const [, order, letter] = /** @type {RegExpExecArray} */ (/^([<>|=]?)(.*)$/.exec(descr));
  const type = TYPES[letter];
  if (!type) throw new Refused(`it holds an array ${described(descr)}; save real numbers of 64 bits at most`);
  const entries = shape.reduce((product, length) => product * length, 1);
  const size = type.make.BYTES_PER_ELEMENT;
  const [found, promised] = [bytes.length - start, entries * size];
  if (found < promised) {
    throw new Refused(`it is cut off, or its header is wrong: more numbers are promised than there are; ${COPY}`);
  }
  if (found > promised) {
    throw new Refused("it holds more than the array that its header describes; save each array in a file of its own");
  }
  checkSize(entries * (type.single ? 4 : 8));
  const content = bytes.slice(start); // aligned
  if (order === ">" && size > 1)
    for (let at = 0; at < content.length; at += size) content.subarray(at, at + size).reverse();
  const raw = new type.make(content.buffer);
  const data = inOrder(raw, shape, fortran, letter, type.single);
  return { shape, data, dtype: type.dtype };
}

/**
 * Row after row, in float32 where that holds every number of the type, else in float64.
 * @param {any} raw
 * @param {number[]} shape
 * @param {boolean} fortran
 * @param {string} letter
 * @param {boolean} single
 * @returns {Float32Array | Float64Array}
 */
function inOrder(raw, shape, fortran, letter, single) {
  const out = single ? new Float32Array(raw.length) : new Float64Array(raw.length);
  const table = letter === "f2" ? halves() : null;
  const value = table
    ? (/** @type {number} */ i) => table[raw[i]]
    : letter === "b1"
      ? (/** @type {number} */ i) => Number(raw[i] !== 0)
      : (/** @type {number} */ i) => Number(raw[i]);
  if (!fortran || shape.length !== 2) {
    if (raw.constructor === out.constructor) return raw;
    for (let i = 0; i < out.length; i++) out[i] = value(i);
    return out;
  }
  const [n, d] = shape;
  for (let j = 0; j < d; j++) for (let i = 0; i < n; i++) out[i * d + j] = value(j * n + i);
  return out;
}

/** All numbers of 16 bits: IEEE 754's binary16. */
function halves() {
  return Float32Array.from({ length: 65536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
  });
}

/**
 * The three entries of the header, and not one more.
 * @param {Uint8Array} bytes
 */
function npyHeader(bytes) {
  const damaged = new Refused(`damaged: its header cannot be read as that of a .npy file; ${COPY}`);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) throw damaged;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[7] !== 0 || ![1, 2].includes(bytes[6])) throw damaged;
  const [from, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const start = from + length;
  if (length > LONGEST_HEADER || start > bytes.length) throw damaged;
  let rest = String.fromCharCode(...bytes.subarray(from, start));
  const take = (/** @type {string} */ key, /** @type {string} */ pattern) => {
    const found = new RegExp(`(["'])${key}\\1\\s*:\\s*(?:${pattern})\\s*,?`).exec(rest);
    if (!found) throw damaged;
    rest = rest.replace(found[0], "");
    return found;
  };
  const descr = take("descr", `(["'])([^"']*)\\2|(\\[.*\\])`);
  const fortran = take("fortran_order", "(True|False)")[2] === "True";
  const shape = take("shape", "\\(([^()]*)\\)")[2];
  if (!/^\s*\{\s*\}\s*$/.test(rest)) throw damaged;
  const lengths = shape.split(",").map((part) => part.trim());
  if (lengths.at(-1) === "") lengths.pop(); // (3,)
  if (lengths.some((part) => /^(-\d+|True|False)$/.test(part)))
    throw new Refused(`damaged: its header has no valid shape; ${COPY}`);
  if (lengths.some((part) => !/^\d{1,100}$/.test(part))) throw damaged;
  const type = descr[3] ?? descr[4];
  if (!/^[<>|=]?([biufcmMOSUV]\d*(\[.*\])?|\?)$|^\[.*\]$/.test(type)) throw damaged;
  return { start, descr: type, fortran, shape: lengths.map(Number) };
}

/**
 * A type that holds no real numbers, as NumPy calls it.
 * @param {string} descr
 */
function described(descr) {
  if (descr.startsWith("[")) return "with named fields";
  const names = /** @type {Record<string, string>} */ ({
    O: "object",
    c8: "complex64",
    c16: "complex128",
    f16: "float128",
  });
  const time = /^[<>]?([mM])8(\[.*\])$/.exec(descr);
  if (time) return `of dtype ${time[1] === "M" ? "datetime64" : "timedelta64"}${time[2]}`;
  const plain = descr.replace(/^[<|]/, "");
  return `of dtype ${(names[plain] ?? descr).slice(0, 80)}`;
}

/**
 * A line for each sample, its numbers separated by commas; a first line without any number is a header.
 * @param {Uint8Array} bytes
 */
function csv(bytes) {
  /** @type {Float64Array[]} */
  const found = [];
  let width = 0;
  let header = false;
  eachLine(bytes, (line, number) => {
    if (!width) {
      width = line.length;
      header = isHeader(line);
      if (header) return;
    }
    if (line.length !== width) {
      throw new Refused(`line ${number} has ${line.length} cells and the lines before it ${width}; fix the line`);
    }
    if (found.length % 1024 === 0) checkSize(8 * found.length * width);
    found.push(
      Float64Array.from(line, (cell, column) => {
        const value = toNumber(cell);
        if (value !== null) return value;
        const shown = oneLine(cell.slice(0, 40));
        throw new Refused(
          `line ${number}, column ${column + 1}: '${shown}' is not a number; fix it or leave the line out`,
        );
      }),
    );
  });
  if (!width) throw new Refused(`it holds no line; ${COPY}`);
  const data = new Float64Array(found.length * width);
  found.forEach((line, i) => data.set(line, i * width));
  return { shape: [found.length, width], data, dtype: "float64", header };
}

/**
 * Every line that is not empty, with its number from 1.
 * @param {Uint8Array} bytes
 * @param {(cells: string[], number: number) => void} use
 */
function eachLine(bytes, use) {
  const damaged = (/** @type {string} */ why) => new Refused(`damaged, or not a .csv file; ${COPY} (${why})`);
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw damaged("it is no UTF-8 text");
  }
  let number = 0;
  Papa.parse(text, {
    delimiter: ",",
    step: ({ data, errors }) => {
      number++;
      if (errors.length) throw damaged(`${errors[0].message}, line ${number}`);
      const cells = /** @type {string[]} */ (data);
      if (cells.length > 1 || cells[0] !== "") use(cells, number);
    },
  });
}

/**
 * What Python's float reads, or null.
 * @param {string} cell
 */
function toNumber(cell) {
  const value = Number(cell);
  if (Number.isFinite(value)) return (value === 0 && cell.trim() === "") || /[xob]/i.test(cell) ? null : value;
  const word = /^\s*([+-]?)(nan|inf|infinity)\s*$/i.exec(cell);
  if (word) return word[2].toLowerCase() === "nan" ? NaN : word[1] === "-" ? -Infinity : Infinity;
  return /^\s*[+-]?[\d.]+(e[+-]?\d+)?\s*$/i.test(cell) ? value || null : null; // 1e999 is infinite in both
}

/** @param {string[]} line */
function isHeader(line) {
  if (line.every((cell, place) => cell === String(place))) {
    throw new Refused("line 1 counts 0, 1, 2, ...: columns, or a sample? delete it, or write the numbers as 0.0, 1.0");
  }
  if (line.some((cell) => toNumber(cell) !== null)) return false;
  if (line.some((cell) => !cell.trim())) {
    throw new Refused("a column has no name in line 1: row numbers? leave them out (pandas: to_csv(index=False))");
  }
  return true;
}
