import { expect, test } from 'vitest'
import { runPlotsIn } from './plots-file.ts'

test('what a stage’s run keeps of its plots is read', () => {
  const line = {
    name: '',
    spots: [
      [1, 0.5],
      [2, 0.25],
    ],
  }
  const text = JSON.stringify({
    version: 1,
    plots: [
      { id: 'a', title: 'A', xLabel: 'step', yLabel: 'loss', kind: 'lines', lines: [line] },
      { id: 'b.png', kind: 'picture', path: 'plots/b.png' },
    ],
  })
  expect(runPlotsIn(text)).toEqual([
    {
      id: 'a',
      title: 'A',
      xLabel: 'step',
      yLabel: 'loss',
      kind: 'lines',
      lines: [{ name: '', x: [1, 2], y: [0.5, 0.25] }],
    },
    { kind: 'picture', id: 'b.png', path: 'plots/b.png' },
  ])
})

test.for(['', 'null', '[]', '{"plots": 1}', '{"plots": [null, 1, {"kind": "script"}]}'])(
  '%s has no plots',
  (text) => {
    expect(runPlotsIn(text)).toEqual([])
  },
)

test('half a plot is as much of it as there is', () => {
  const text =
    '{"plots": [{"kind": "tally", "tables": [{"rows": ["a"]}, 3]}, {"kind": "lines", "lines": [{"spots": [1]}]}]}'
  expect(runPlotsIn(text)).toMatchObject([
    { kind: 'tally', tables: [{ rows: ['a'], columns: [], counts: [] }] },
    { kind: 'lines', lines: [{ x: [], y: [] }] },
  ])
})
