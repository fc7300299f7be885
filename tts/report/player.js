/** The marks a cell can carry: name, words, and its drawing on a cell of `side` units. */
function marksOf(player) {
  const s = player.side;
  const marks = [
    ["wrong", "differs from the label", `<path d="M3 ${s - 6}h${s - 6}v4h${6 - s}z" fill="#8a1c7c"/><path d="M0 0h${s}v${s}h${-s}z" fill="#d95fc8" opacity="0.22"/>`],
    ["broken", "takes part in a broken rule", player.mark],
    ["changed", "changed in this step", `<circle cx="8" cy="8" r="4.5" fill="#00805c" stroke="#fff" stroke-width="1"/>`],
    ["noise", `gets noise before this step (${player.noise})`, `<path d="M${s - 4} 4v${s - 8}" stroke="#9a6a00" stroke-width="3.5" stroke-dasharray="3 3"/>`],
  ];
  const has = { wrong: player.puzzles.some((p) => p.labelled), broken: player.verifier, changed: player.steps, noise: player.noise && player.steps };
  return marks.filter(([name]) => has[name]);
}

/** The arrays of a puzzle, by name. */
async function unpack(puzzle) {
  const bytes = Uint8Array.from(atob(puzzle.blob), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const content = await new Response(stream).arrayBuffer();
  const kinds = { f4: Float32Array, i4: Int32Array, u4: Uint32Array, u2: Uint16Array, u1: Uint8Array };
  const arrays = {};
  let offset = 0;
  for (const [name, kind, length] of puzzle.layout) {
    arrays[name] = new kinds[kind](content, offset, length);
    offset += arrays[name].byteLength;
  }
  return arrays;
}

/** One rollout's board: only cells that differ from what is shown are drawn again. */
class Board {
  constructor(player, puzzle, arrays, row, marks) {
    Object.assign(this, { player, puzzle, arrays, row, marks, rollout: puzzle.rollouts[row] });
    const [height, width] = puzzle.size;
    const { side, margin } = player;
    this.cells = height * width;
    const box = [-margin, -margin, width * side + 2 * margin, height * side + 2 * margin];
    this.svg = draw("svg", { viewBox: box.join(" "), role: "img" });
    this.svg.append(draw("rect", { x: -margin, y: -margin, width: box[2], height: box[3], fill: "#ffffff" }));
    const at = (cell, kind) => ({ class: kind, transform: `translate(${(cell % width) * side} ${Math.floor(cell / width) * side})` });
    const layer = (kind) => {
      const nodes = Array.from({ length: this.cells }, (_, cell) => draw("g", at(cell, kind)));
      this.svg.append(...nodes);
      return nodes;
    };
    this.under = layer("under");
    const lines = draw("g");
    lines.innerHTML = puzzle.lines;
    this.svg.append(lines);
    this.over = layer("over");
    this.marked = Object.fromEntries(marks.map(([name]) => [name, layer(`m-${name}`)]));
    this.shown = { look: new Int32Array(this.cells).fill(-1) };
    for (const [name] of marks) this.shown[name] = new Uint8Array(this.cells);
    this.caption = make("figcaption");
    this.verdict = make("span", { class: "verdict" });
    const title = make("h3", {}, `rollout ${this.rollout.number}`);
    if (this.rollout.picked) title.append(make("span", { class: "tag" }, "selected"));
    title.append(this.verdict);
    this.node = make("figure", { class: `board${this.rollout.picked ? " picked" : ""}` }, title, this.svg, this.caption);
    this.judge();
  }

  judge() {
    const { right } = this.rollout;
    if (right === null) return;
    const words = this.player.judge === "label" ? ["right", "wrong"] : ["passes the rules", "breaks rules"];
    this.verdict.textContent = right ? `✓ ${words[0]}` : `✗ ${words[1]}`;
    this.verdict.classList.add(right ? "right" : "wrong");
  }

  /** Which cells carry a mark after a step, counted from 0. */
  marksAt(name, step) {
    const { answers, label, labelled, broken, noise, frame } = this.arrays;
    const [n, depth] = [this.cells, this.puzzle.depth];
    const now = frame[this.row * depth + step] * n;
    const before = step ? frame[this.row * depth + step - 1] * n : -1;
    const ended = step >= this.rollout.steps;
    const test = {
      wrong: (c) => labelled[c] && answers[now + c] !== label[c],
      broken: (c) => broken[now + c],
      changed: (c) => step > 0 && !ended && answers[now + c] !== answers[before + c],
      noise: (c) => !ended && (step === 0 || noise[before + c]),
    }[name];
    return Array.from({ length: n }, (_, c) => (test(c) ? 1 : 0));
  }

  show(step) {
    const { looks, frame, q, rules } = this.arrays;
    const [n, depth] = [this.cells, this.puzzle.depth];
    const now = frame[this.row * depth + step];
    for (let c = 0; c < n; c++) {
      const look = looks[now * n + c];
      if (this.shown.look[c] === look) continue;
      this.shown.look[c] = look;
      [this.under[c].innerHTML, this.over[c].innerHTML] = this.player.shapes[look];
    }
    const counts = {};
    for (const [name, , mark] of this.marks) {
      const flags = this.marksAt(name, step);
      counts[name] = flags.reduce((sum, flag) => sum + flag, 0);
      flags.forEach((flag, c) => {
        if (this.shown[name][c] === flag) return;
        this.shown[name][c] = flag;
        this.marked[name][c].innerHTML = flag ? mark : "";
      });
    }
    const r = this.player.rules.length;
    const names = rules ? this.player.rules.filter((_, i) => rules[now * r + i]) : [];
    this.tell(step, q[this.row * depth + step], counts, names);
  }

  tell(step, q, counts, names) {
    const parts = [];
    if (step >= this.rollout.steps) parts.push(`stopped after step ${this.rollout.steps}`);
    if ("wrong" in counts && this.puzzle.labelled) parts.push(`${counts.wrong} wrong`);
    if ("changed" in counts && step) parts.push(`${counts.changed} changed`);
    if (this.rollout.ruled) parts.push(names.length ? names.join("; ") : "no rule broken");
    const value = Number.isNaN(q) ? "–" : (q > 0 ? "+" : "") + q.toFixed(2);
    this.caption.replaceChildren("Q ", make("b", {}, value), parts.length ? `; ${parts.join("; ")}` : "");
    this.svg.setAttribute("aria-label", `rollout ${this.rollout.number}, ${this.puzzle.title}, step ${step + 1}: ${parts.join("; ")}`);
  }
}

class Player {
  constructor(player) {
    this.player = player;
    for (const id of ["player", "puzzle", "step", "at", "said", "boards", "q", "play", "marks", "choice", "steps"]) {
      this[`$${id}`] = document.getElementById(id);
    }
    this.$player.hidden = false;
    player.puzzles.forEach((p, place) => {
      const solved = p.solved ? `, ${p.solved[0]} of ${p.solved[1]} right` : "";
      this.$puzzle.append(make("option", { value: place }, `puzzle ${p.number}: ${p.kind}${solved}`));
    });
    this.marks = marksOf(player);
    for (const mark of this.marks) this.$marks.append(this.toggle(mark));
    const [of, k] = player.of;
    const kinds = Object.entries(player.kinds).map(([kind, words]) => `${kind}: ${words}`);
    this.$choice.textContent = `${player.puzzles.length} of ${of} puzzles, up to ${player.puzzles[0].rollouts.length} of ${k} rollouts each. ${kinds.join(". ")}.`;
    this.$steps.hidden = !player.steps;
    this.$puzzle.addEventListener("change", () => this.open(+this.$puzzle.value));
    this.$step.addEventListener("input", () => this.go(+this.$step.value - 1));
    this.$play.addEventListener("click", () => this.play(!this.timer));
    document.getElementById("next").addEventListener("click", () => this.turn(1));
    document.getElementById("previous").addEventListener("click", () => this.turn(-1));
    document.addEventListener("keydown", (event) => this.key(event));
    this.open(0);
  }

  toggle([name, words, mark]) {
    const box = make("input", { type: "checkbox", id: `mark-${name}`, checked: "" });
    const key = draw("svg", { viewBox: `0 0 ${this.player.side} ${this.player.side}`, "aria-hidden": "true" });
    key.innerHTML = mark;
    box.addEventListener("change", () => this.$boards.classList.toggle(`hide-${name}`, !box.checked));
    return make("label", {}, box, key, words);
  }

  async open(place) {
    this.play(false);
    const puzzle = this.player.puzzles[place];
    this.place = place;
    this.$puzzle.value = place;
    let arrays;
    try {
      arrays = await unpack(puzzle);
    } catch (error) {
      this.$said.textContent = `This browser cannot unpack the player's data (${error}); one of 2023 or later can.`;
      return;
    }
    if (this.place !== place) return; // another one was chosen meanwhile
    Object.assign(this, { puzzle, arrays });
    this.boards = puzzle.rollouts.map((_, row) => new Board(this.player, puzzle, arrays, row, this.marks));
    this.$boards.replaceChildren(...this.boards.map((board) => board.node));
    this.$boards.style.setProperty("--board", puzzle.size[1] > 16 ? "20rem" : "13rem");
    this.$step.max = puzzle.depth;
    this.$q.replaceChildren();
    this.chart = this.player.steps ? new Chart(this.curves(), this.$q, (x) => this.go(x - 1)) : null;
    this.go(0);
  }

  curves() {
    const { depth, rollouts } = this.puzzle;
    const x = Array.from({ length: depth }, (_, step) => step + 1);
    const lines = rollouts.map((rollout, row) => ({
      name: `${rollout.number}${rollout.picked ? " (selected)" : ""}`,
      x,
      y: x.map((step) => (step <= rollout.steps ? this.arrays.q[row * depth + step - 1] : NaN)),
      tone: rollout.right === null ? "" : rollout.right ? "right" : "wrong",
      bold: rollout.picked,
      thin: rollouts.length > 6,
    }));
    const about = "Q, the halt logit, of each rollout after every step; dashed where it ends wrong. Click to go to a step.";
    return { title: "Q of these rollouts", about, x_label: "step", y_label: "Q", lines };
  }

  go(step) {
    if (!this.puzzle) return;
    const { depth } = this.puzzle;
    this.at = Math.min(Math.max(step, 0), depth - 1);
    this.$step.value = this.at + 1;
    this.$at.textContent = `${this.at + 1} of ${depth}`;
    this.$step.setAttribute("aria-valuetext", `step ${this.at + 1} of ${depth}`);
    for (const board of this.boards) board.show(this.at);
    if (this.chart) {
      this.chart.resting = this.at + 1;
      this.chart.point(this.at + 1);
    }
    if (!this.timer) this.$said.textContent = this.words();
  }

  /** The state of the search after the present step, in a sentence. */
  words() {
    const { judge } = this.player;
    const all = `${this.boards.length} rollouts of ${this.puzzle.title}`;
    const name = judge === "label" && this.puzzle.labelled ? "wrong" : this.player.verifier ? "broken" : "";
    if (!name) return all;
    const good = this.boards.filter((board) => !board.marksAt(name, this.at).includes(1)).length;
    const when = this.player.steps ? `after step ${this.at + 1}, ` : "";
    return `${all}: ${when}${good} ${name === "wrong" ? "equal the label" : "break no rule"}.`;
  }

  turn(by) {
    const n = this.player.puzzles.length;
    this.open((this.place + by + n) % n);
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = null;
    if (on && this.puzzle) {
      if (this.at === this.puzzle.depth - 1) this.go(0);
      this.timer = setInterval(() => {
        this.go(this.at + 1);
        if (this.at === this.puzzle.depth - 1) this.play(false);
      }, 400);
    } else if (this.puzzle) this.$said.textContent = this.words();
    this.$play.textContent = on ? "⏸" : "▶";
    this.$play.setAttribute("aria-label", on ? "pause" : "play");
  }

  /** Keys act where the focus is in the player, or nowhere while the player is in view. */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target;
    const box = this.$player.getBoundingClientRect();
    const seen = box.top < innerHeight && box.bottom > 0;
    if (!(this.$player.contains(target) || (target === document.body && seen))) return;
    if (target.tagName === "SELECT") return;
    const own = target.tagName === "BUTTON" || target.tagName === "SUMMARY" || target.type === "checkbox";
    if (target.type === "range" && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    const acts = {
      ArrowRight: () => this.go(this.at + 1),
      ArrowLeft: () => this.go(this.at - 1),
      Home: () => this.go(0),
      End: () => this.go(Infinity),
      n: () => this.turn(1),
      p: () => this.turn(-1),
      ...(own ? {} : { " ": () => this.play(!this.timer) }),
    };
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  }
}

if (DATA.player) new Player(DATA.player);
