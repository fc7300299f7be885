// Failcodes of answer grids by pzpr. Usage: node pzpr_judge.js PATH/TO/pzpr.js
// Reads lines {"url": ..., "grids": [[value a cell], ...]}; answers each with a line [[failcode, ...], ...].
"use strict";
const pzpr = require(process.argv[2]);
const lines = require("readline").createInterface({ input: process.stdin });

lines.on("line", (line) => {
  const { url, grids } = JSON.parse(line);
  const puzzle = new pzpr.Puzzle().open(url);
  puzzle.setMode("play");
  puzzle.setConfig("multierr", true); // run every check, not only up to the first that fails
  const field = puzzle.pid === "sudoku" ? "anum" : "qans";
  const empty = field === "anum" ? -1 : 0;
  const codes = grids.map((grid) => {
    grid.forEach((value, i) => { puzzle.board.cell[i][field] = value === 0 ? empty : value; });
    puzzle.board.rebuildInfo();
    puzzle.checker.resetCache();
    return Array.from(puzzle.check());
  });
  process.stdout.write(JSON.stringify(codes) + "\n");
});
