/** Where a pair lies among all pairs of different architectures. */

import { h, more, save, table } from "../_try/dom.js";
import { asCSV } from "../_try/export.js";
import { STATES, encode } from "./choice.js";
import { parts } from "./entries.js";
import { strip } from "./pictures.js";
import { below, byArchitectures, pairs, relation, spread } from "./population.js";
import { STATE_WORDS, networkName, percent, plural, three } from "./words.js";

/** @typedef {import("./sheet.js").Known} Known */

/**
 * Where the pair lies among all: a card, a picture, a table.
 * @param {Known} known
 * @param {number} cos
 */
export function standing({ choice, collection, a, b, vectors }, cos) {
  const all = vectors[choice.convention];
  const of = (/** @type {string} */ id) => /** @type {Network} */ (collection.networks.find((one) => one.id === id));
  const mixed = choice.a.state !== choice.b.state;
  const states = /** @type {[State, State][]} */ ([
    ...STATES.map((one) => [one, one]),
    ...(mixed ? [[choice.a.state, choice.b.state]] : []),
  ]);
  const link = (/** @type {Two} */ two) => encode({ ...choice, a: two.a, b: two.b });
  const groups = states.map(([first, second]) => {
    const [u, v] = [all.get(`${a.id}/${first}`), all.get(`${b.id}/${second}`)];
    return {
      name: first === second ? STATE_WORDS[first] : "one of each",
      own: first === choice.a.state && second === choice.b.state,
      here: u && v ? parts(u.vector, v.vector).cos : NaN,
      pairs: pairs(collection, all, [first, second]),
    };
  });
  const bands = groups.map(({ name, here, pairs: found }) => ({
    name,
    points: found.map((two) => ({
      cos: two.cos,
      text: `${networkName(of(two.a.id))}<br>${networkName(of(two.b.id))}`,
      relation: relation(of(two.a.id), of(two.b.id)),
      link: link(two),
    })),
    mark: Number.isNaN(here) ? null : { cos: here, text: `${networkName(a)}<br>${networkName(b)}` },
  }));
  const [own] = groups.filter((group) => group.own);
  const twin = groups.find((group) => !group.own && group.name !== "one of each");
  const same = own.pairs.filter((two) => {
    const cells = `${of(two.a.id).cell} ${of(two.b.id).cell}`;
    return cells === `${a.cell} ${b.cell}` || (!mixed && cells === `${b.cell} ${a.cell}`);
  });
  const picture = strip(
    bands,
    `Absolute cosines of all pairs of different architectures in each state; this pair has ${three(cos)}`,
    "Every point is a pair of networks of different architectures; a click opens it. " +
      "The diamonds are the pair that you look at. Controls and exploratory networks are not among the points.",
    (address) => {
      location.hash = address;
    },
  );
  const lines = groups.flatMap(({ name, pairs: found }) =>
    byArchitectures(found, of).map(({ labels, two, count, mean, low, high }) => [
      h("a", { href: link(two) }, labels.join(" and ")),
      name,
      String(count),
      three(mean),
      three(low),
      three(high),
    ]),
  );
  const click = () => {
    const rows = groups.flatMap(({ pairs: found }) =>
      found.map((two) => [two.a.id, two.a.state, two.b.id, two.b.state, String(two.cos)]),
    );
    save("pairs.csv", asCSV([["a", "state_a", "b", "state_b", "cos"], ...rows]), "text/csv");
  };
  return {
    figure: picture.figure,
    draw: picture.draw,
    table: more(
      "The numbers behind this picture",
      h("button", { type: "button", class: "pv-try-button", on: { click } }, "Save all pairs (CSV)"),
      table("All pairs by architectures", ["architectures", "state", "pairs", "mean |cos|", "least", "most"], lines),
    ),
    card: h(
      "section",
      { class: "pv-try-card" },
      h("h3", {}, "Where it lies"),
      h(
        "p",
        { class: "pv-try-what" },
        `among ${plural(own.pairs.length, "pair")} of different architectures, ${own.name}`,
      ),
      h("p", { class: "pv-try-big" }, own.pairs.length ? percent(below(own.pairs, cos)) : "–"),
      h("p", { class: "pv-try-said" }, "of them agree less than this pair."),
      h(
        "dl",
        {},
        ...(a.cell !== b.cell && same.length
          ? [["these two architectures, mean over runs", three(spread(same.map((two) => two.cos)).mean)]]
          : []
        )
          .concat(own.pairs.length ? [["all pairs, mean", three(spread(own.pairs.map((two) => two.cos)).mean)]] : [])
          .concat(twin && !Number.isNaN(twin.here) ? [[`this pair, ${twin.name}`, three(twin.here)]] : [])
          .concat(
            twin?.pairs.length
              ? [[`all pairs, ${twin.name}, mean`, three(spread(twin.pairs.map((two) => two.cos)).mean)]]
              : [],
          )
          .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
      ),
    ),
  };
}
