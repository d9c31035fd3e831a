import { expect, test } from 'vitest'
import { readPlotFile } from '#protocols/dvc/plot-file'
import { plotsIn, type Plot, type SeriesPlot } from '#stages'
import { drawnPlot } from './draw.ts'
import { picture, pictureWay } from './images.ts'

const PEN = { columns: 40, painted: (text: string) => text }

async function plotOf(text: string, display: Record<string, string>): Promise<SeriesPlot> {
  const files = new Map([['a.csv', Buffer.from(text)]])
  const view = {
    name: 'workspace',
    load: async () => ({ stages: [], locks: new Map(), tracked: [], problems: [] }),
    declared: async () => ({ metrics: [], params: [], plots: [] }),
    values: async () => undefined,
    read: async (path: string) => files.get(path),
    filesIn: async () => undefined,
  }
  const { plots } = await plotsIn([view], {
    targets: ['a.csv'],
    display: new Map(Object.entries(display)),
    parse: readPlotFile,
    shown: (path) => path,
    pathOf: (path) => path,
  })
  return seriesOf(plots[0])
}

function seriesOf(plot: Plot | undefined): SeriesPlot {
  if (plot?.kind !== 'series') throw new Error('no plot with points')
  return plot
}

test('a line rises from the lower left to the upper right, and is told in words', async () => {
  const lines = drawnPlot(await plotOf('x,y\n1,10\n2,20\n', { x: 'x' }), PEN)
  expect(lines[0]).toBe('a.csv')
  expect(lines[2]).toMatch(/^ {8}20 ┤ +⡠⠊$/)
  expect(lines[13]).toMatch(/^ {8}10 ┤[⠀-⣿]/)
  expect(lines[15]).toMatch(/^ {12}1 +x +2$/)
  expect(lines.at(-1)).toBe('  ■ workspace: last 20, lowest 10, highest 20')
  expect(Math.max(...lines.slice(0, -1).map((line) => line.length))).toBeLessThanOrEqual(40)
})

test('what a file says is never an order to the terminal', async () => {
  const plot = await plotOf('x,\u001b]0;taken\u0007\n1,1\n', { x: 'x', title: '\u001b[2Jgone' })
  const text = drawnPlot(plot, PEN).join('\n')
  expect(text).toContain('\\u001b[2Jgone')
  expect(text).not.toContain('\u001b')
})

test('a column without numbers says so', async () => {
  const lines = drawnPlot(await plotOf('x,y\n1,high\n', { x: 'x' }), PEN)
  expect(lines).toEqual(['a.csv', '  no numbers to draw; --html may show it'])
})

test('a confusion matrix is a table of counts, or of shares of each row', async () => {
  const text = 'actual,predicted\ncat,dog\ncat,cat\ndog,dog\ndog,dog\n'
  const how = { x: 'actual', y: 'predicted', template: 'confusion' }
  expect(drawnPlot(await plotOf(text, how), PEN).slice(2)).toEqual([
    '  workspace',
    '         cat  dog',
    '    cat    1    0',
    '    dog    1    2',
  ])
  const shares = await plotOf(text, { ...how, template: 'confusion_normalized' })
  expect(drawnPlot(shares, PEN).at(-1)).toBe('    dog  0.33  0.67')
})

test('bars are as long as what they stand for, the longest first when sorted', async () => {
  const how = { x: 'weight', y: 'name', template: 'bar_horizontal_sorted' }
  const lines = drawnPlot(await plotOf('name,weight\na,1\nb,4\n', how), PEN)
  const bars = lines.filter((line) => line.includes('█'))
  expect(bars.map((line) => line.trim()[0])).toEqual(['b', 'a'])
  const lengthOf = (line: string) => line.split('█').length - 1
  expect(bars.map(lengthOf)).toEqual([23, 6])
})

test('a picture is sent to a terminal that says it takes it, and to no other', () => {
  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 1])
  expect(pictureWay({ TERM: 'xterm-256color' })).toBeUndefined()
  expect(pictureWay({ TERM: 'xterm-kitty', TMUX: 'socket,1,0' })).toBeUndefined()
  expect(pictureWay({ TERM: 'xterm-kitty' })).toBe('kitty')
  expect(pictureWay({ TERM_PROGRAM: 'iTerm.app' })).toBe('iterm')
  expect(picture(png, 'a.png', 'kitty')).toBe('\u001b_Ga=T,f=100,m=0;iVBORwE=\u001b\\\n')
  expect(picture(Buffer.from('no'), 'a.png', 'kitty')).toBeUndefined()
  expect(picture(png, 'a.png', 'iterm')).toBe('\u001b]1337;File=inline=1;size=5:iVBORwE=\u0007\n')
})
