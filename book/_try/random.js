/**
 * The random permutations of NumPy's `default_rng([seed, stream])`, so that a null computed here is the library's.
 *
 * SeedSequence after M. O'Neill's seed_seq_fe; PCG64 is a 128-bit congruential generator with XSL-RR output (O'Neill 2014).
 * Not for any other distribution.
 */

const MULTIPLIER = 47026247687942121848144207491837523525n;

/**
 * Four 64-bit words of NumPy's SeedSequence, for entropy of at most four 32-bit words.
 * @param {number[]} entropy
 * @returns {bigint[]}
 */
export function seedWords(entropy) {
  let constant = 0x43b0d7e5;
  const hashed = (/** @type {number} */ value) => {
    value = (value ^ constant) >>> 0;
    constant = Math.imul(constant, 0x931e8875) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mixed = (/** @type {number} */ x, /** @type {number} */ y) => {
    const sum = (Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715)) >>> 0;
    return (sum ^ (sum >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((i) => hashed(entropy[i] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  }
  let other = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => {
    let value = (pool[i % 4] ^ other) >>> 0;
    other = Math.imul(other, 0x58f38ded) >>> 0;
    value = Math.imul(value, other) >>> 0;
    return BigInt((value ^ (value >>> 16)) >>> 0);
  });
  return [0, 2, 4, 6].map((i) => words[i] | (words[i + 1] << 32n));
}

/**
 * A 128-bit number as eight of 16 bits, lowest first: products and sums of these are exact, and far faster than BigInt.
 * @param {bigint} value
 */
function limbs(value) {
  return Float64Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(16 * i)) & 0xffffn));
}

/**
 * A source of 32-bit integers: the low half of each 64-bit output first, then the high one.
 * @param {number[]} entropy
 * @returns {() => number}
 */
export function generator(entropy) {
  const [high, low, stepHigh, stepLow] = seedWords(entropy);
  const increment = (((stepHigh << 64n) | stepLow) << 1n) | 1n;
  const multiplier = limbs(MULTIPLIER);
  const added = limbs(increment);
  const state = limbs(increment + ((high << 64n) | low));
  const old = new Float64Array(8);
  const step = () => {
    old.set(state);
    let carry = 0;
    for (let k = 0; k < 8; k++) {
      let sum = added[k] + carry;
      for (let i = 0; i <= k; i++) sum += old[i] * multiplier[k - i];
      carry = Math.floor(sum / 65536);
      state[k] = sum - 65536 * carry;
    }
  };
  step();
  let kept = -1;
  return () => {
    if (kept >= 0) {
      const half = kept;
      kept = -1;
      return half;
    }
    step();
    let first = (((state[5] ^ state[1]) << 16) | (state[4] ^ state[0])) >>> 0;
    let second = (((state[7] ^ state[3]) << 16) | (state[6] ^ state[2])) >>> 0;
    const turn = state[7] >> 10;
    if (turn >= 32) [first, second] = [second, first];
    const by = turn % 32;
    kept = by ? ((second >>> by) | (first << (32 - by))) >>> 0 : second;
    return by ? ((first >>> by) | (second << (32 - by))) >>> 0 : first;
  };
}

/**
 * An integer from 0 to `most`: the lowest bits of each word, until they are no more than that.
 * @param {() => number} next
 * @param {number} most below 2^31
 */
function bounded(next, most) {
  const mask = 2 ** (32 - Math.clz32(most)) - 1;
  let value = next() & mask;
  while (value > most) value = next() & mask;
  return value;
}

/**
 * `count` permutations of 0 .. n - 1, in turn, as `default_rng([seed, stream]).permutation(n)` gives them.
 * @param {number} n
 * @param {number} count
 * @param {number} seed
 * @param {number} stream
 * @returns {Int32Array[]}
 */
export function permutations(n, count, seed, stream) {
  const next = generator([seed, stream]);
  const sorted = Int32Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: count }, () => {
    const order = sorted.slice();
    for (let i = n - 1; i > 0; i--) {
      const j = bounded(next, i);
      const last = order[i];
      order[i] = order[j];
      order[j] = last;
    }
    return order;
  });
}
