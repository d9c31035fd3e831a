// Draws docs/loop.svg and writes the README's table from a summary that the demo wrote: npm run demo -- --exit --json summary.json, then
// node scripts/loop-picture.mjs summary.json. No figure in the picture is written by hand.
import { readFileSync, writeFileSync } from 'node:fs'

const file = process.argv[2]
if (file === undefined) {
  console.error('usage: node scripts/loop-picture.mjs SUMMARY.json')
  process.exit(2)
}
const { months, seconds } = JSON.parse(readFileSync(file, 'utf8'))
const sum = (key) => months.reduce((total, month) => total + month[key], 0)
const words = (count) => count.toLocaleString('en-US')

const stations = [
  ['data', `${months.length + 2} months, versioned`],
  ['pipeline', `${words(sum('retrainings') + 1)} trainings`],
  ['checks', `${words(sum('refusals'))} refused`],
  ['promotion', `${words(sum('promotions'))} promoted`],
  ['endpoint', `${words(sum('predictions'))} predictions`],
  ['ground truth', `${words(sum('labels'))} labels`],
  ['monitors', `${words(sum('alerts'))} alerts`],
  ['policy', `${words(sum('retrainings'))} retrainings`],
]

const ring = stations.map(([name, fact], at) => {
  const angle = -Math.PI / 2 + (at / stations.length) * 2 * Math.PI
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const side = Math.abs(cos) < 0.1 ? 'middle' : cos > 0 ? 'start' : 'end'
  const x = (225 + 105 * cos + (side === 'middle' ? 0 : 16 * Math.sign(cos))).toFixed(1)
  const y = 195 + 105 * sin + (side === 'middle' ? 26 * sin : 0)
  return `<circle class="dot" cx="${(225 + 105 * cos).toFixed(1)}" cy="${(195 + 105 * sin).toFixed(1)}" r="7"/>
  <text class="name" x="${x}" y="${(y - 2).toFixed(1)}" text-anchor="${side}">${name}</text>
  <text class="fact" x="${x}" y="${(y + 13).toFixed(1)}" text-anchor="${side}">${fact}</text>`
})

const values = months
  .flatMap((month) => [month.auc_loop, month.auc_frozen])
  .filter((value) => value !== null)
const low = Math.floor(Math.min(...values) * 50) / 50
const high = Math.ceil(Math.max(...values) * 50) / 50
const xAt = (at) => 500 + (at / Math.max(1, months.length - 1)) * 370
const yAt = (value) => 320 - ((value - low) / (high - low)) * 230
const line = (key) =>
  months
    .map((month, at) => [month[key], at])
    .filter(([value]) => value !== null)
    .map(
      ([value, at], index) =>
        `${index === 0 ? 'M' : 'L'}${xAt(at).toFixed(1)} ${yAt(value).toFixed(1)}`,
    )
    .join(' ')
const grid = Array.from(
  { length: Math.round((high - low) / 0.02) + 1 },
  (_, at) => low + at * 0.02,
).map(
  (value) =>
    `<line class="grid" x1="495" x2="875" y1="${yAt(value).toFixed(1)}" y2="${yAt(value).toFixed(1)}"/><text class="fact" x="488" y="${(yAt(value) + 4).toFixed(1)}" text-anchor="end">${value.toFixed(2)}</text>`,
)
const names = months.map(
  (month, at) =>
    `<text class="fact" x="${xAt(at).toFixed(1)}" y="342" text-anchor="middle">${month.month.slice(5)}</text>`,
)
const promoted = months
  .map((month, at) => [month, at])
  .filter(([month]) => month.promotions > 0 && month.auc_loop !== null)
  .map(
    ([month, at]) =>
      `<circle class="dot" cx="${xAt(at).toFixed(1)}" cy="${yAt(month.auc_loop).toFixed(1)}" r="4"/>`,
  )

writeFileSync(
  new URL('../docs/loop.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 400" role="img" aria-label="The loop and what it did in a year of flights">
<style>
  svg { font: 13px system-ui, sans-serif; background: #fff; color: #1b2330 }
  .name { font-weight: 600; fill: #1b2330 } .fact { font-size: 11px; fill: #5b6676 }
  .dot { fill: #2563eb } .ring { fill: none; stroke: #c7d2fe; stroke-width: 3 } .grid { stroke: #e6e9ef }
  .loop { fill: none; stroke: #2563eb; stroke-width: 2.5 } .frozen { fill: none; stroke: #b45309; stroke-width: 2; stroke-dasharray: 5 4 }
  .legend { font-size: 12px; fill: #1b2330 } .title { font-size: 15px; font-weight: 600; fill: #1b2330 }
</style>
<rect width="900" height="400" fill="#fff"/>
<text class="title" x="225" y="192" text-anchor="middle">Orrery</text>
<text class="fact" x="225" y="210" text-anchor="middle">one year, ${Math.round(seconds)} s</text>
<circle class="ring" cx="225" cy="195" r="105"/>
${ring.join('\n')}
<text class="title" x="500" y="40">ROC-AUC by month, on the same flights</text>
<path class="loop" d="M500 62 h24"/><text class="legend" x="530" y="66">the loop's live model (● promotions)</text>
<path class="frozen" d="M775 62 h22"/><text class="legend" x="802" y="66">never retrained</text>
${grid.join('\n')}
${names.join('\n')}
<path class="frozen" d="${line('auc_frozen')}"/>
<path class="loop" d="${line('auc_loop')}"/>
${promoted.join('\n')}
<text class="fact" x="500" y="372">New York flights of 2013; drawn from the demo's own summary.</text>
</svg>
`,
)

const columns = [
  'month',
  'predictions',
  'labels',
  'auc_loop',
  'auc_frozen',
  'alerts',
  'retrainings',
  'promotions',
  'refusals',
]
const cell = (value) =>
  typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : String(value ?? '–')
const table = [
  `| ${columns.join(' | ')} |`,
  `|${columns.map(() => '--:').join('|')}|`,
  ...months.map((month) => `| ${columns.map((column) => cell(month[column])).join(' | ')} |`),
]
const mean = (key) =>
  months.reduce((total, month) => total + (month[key] ?? 0) * month.labels, 0) / sum('labels')
const note = `The year was played in ${Math.round(seconds)} s on two cores; mean AUC ${mean('auc_loop').toFixed(4)} against ${mean('auc_frozen').toFixed(4)} of the January and February model that was never retrained.`
const readme = new URL('../README.md', import.meta.url)
const [before, rest] = readFileSync(readme, 'utf8').split('<!-- summary -->\n')
const after = rest.slice(rest.indexOf('<!-- /summary -->'))
writeFileSync(readme, `${before}<!-- summary -->\n${table.join('\n')}\n\n${note}\n${after}`)
