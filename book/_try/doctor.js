/** What looks wrong in a matrix of features, said in one line each, in the library's words (pvlib/doctor.py). */

/**
 * NaN and infinity, named by row and column: nothing can be measured with them.
 * @param {Matrix} matrix
 */
export function refuseBroken({ name, d, data }) {
  for (let at = 0; at < data.length; at++) {
    const value = data[at];
    if (Number.isFinite(value)) continue;
    const said = Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    throw new Error(
      `${name}: features hold ${said} at row ${Math.floor(at / d)}, column ${at % d}: finite numbers are needed; ` +
        "remove the row, or fix the network that made it",
    );
  }
}

/**
 * @param {Matrix} matrix
 * @returns {Findings}
 */
export function examine({ name, n, d, data }) {
  let [constant, dead] = [0, 0];
  for (let j = 0; j < d; j++) {
    let i = 1;
    while (i < n && data[i * d + j] === data[j]) i++;
    if (i < n) continue;
    constant++;
    if (data[j] === 0) dead++;
  }
  const codes = rowCodes(n, data);
  const repeated = n - new Set(codes).size;
  const lines = [];
  if (constant)
    lines.push(`${constant} of ${d} features of ${name} are constant` + (dead ? `, ${dead} of them always 0` : ""));
  if (repeated && constant < d)
    lines.push(`${repeated} of ${n} rows of ${name} repeat another row: were samples given twice?`);
  return { name, lines, codes, single: data instanceof Float32Array };
}

/**
 * A number of 53 bits for every row, the same for equal rows.
 * @param {number} n
 * @param {Float32Array | Float64Array} data
 */
function rowCodes(n, data) {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  const width = words.length / n;
  const pairs = data instanceof Float64Array;
  return Float64Array.from({ length: n }, (_, i) => {
    let [a, b] = [0x9e3779b9, 0x85ebca6b];
    for (let at = i * width; at < (i + 1) * width; at++) {
      let word = words[at];
      // -0.0 and 0.0 are equal, and so must their codes be (words are little-endian: the sign is in the last).
      if (word === 0x80000000 && (!pairs || (at % 2 === 1 && words[at - 1] === 0))) word = 0;
      a = Math.imul(a ^ word, 0xcc9e2d51);
      a ^= a >>> 15;
      b = Math.imul(b + word, 0x1b873593);
      b ^= b >>> 13;
    }
    return (a >>> 0) * 2 ** 21 + (b >>> 11);
  });
}

/**
 * Whether two matrices hold the same rows, in another order.
 * @param {Findings} one
 * @param {Findings} two
 */
export function reordered(one, two) {
  if (one.single !== two.single || one.codes.length !== two.codes.length) return false;
  const same = (/** @type {Float64Array} */ x, /** @type {Float64Array} */ y) => x.every((code, i) => code === y[i]);
  return !same(one.codes, two.codes) && same(one.codes.slice().sort(), two.codes.slice().sort());
}
