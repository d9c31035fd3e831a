import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { giveUp, setUp } from './setup.mjs'
import { findNode, toolEnvironment } from './steps/node.mjs'
import { testMonitorsBin, testPythonBin } from './steps/python.mjs'
import { root } from './steps/places.mjs'
import { run } from './steps/step.mjs'

// npm run bench: runs bench/*.bench.ts one after the other, so that none disturbs another, and prints one table.
// A bench prints on stdout, a line each, what it measured:
//   {"what": "no-op repro", "unit": "ms", "orrery": 80, "peer": 400, "peerName": "dvc repro", "better": "lower"}
// Any other line is passed through. `npm run bench -- NAME` runs only the files whose name contains NAME.

const wanted = process.argv.slice(2)

await setUp('web').catch(giveUp)
// What is measured is what people install.
await run(findNode(), [join(root, 'scripts', 'build.mjs')]).catch(giveUp)
const python = await testPythonBin().catch(giveUp)
const monitors = await testMonitorsBin().catch(giveUp)
const env = {
  ...toolEnvironment(),
  ORRERY_BUILT: '1',
  ORRERY_TEST_PYTHON_BIN: python,
  ORRERY_TEST_MONITORS_BIN: monitors,
}
const folder = join(root, 'bench')
const files = (await readdir(folder)).filter((name) => name.endsWith('.bench.ts') && isWanted(name))

const rows = []
const failures = []
for (const file of files.toSorted()) {
  console.log(`\n${file}`)
  const { code, signal } = await runBench(join(folder, file))
  if (signal !== null) failures.push(`${file} was ended by ${signal}`)
  else if (code !== 0) failures.push(`${file} ended with code ${code}`)
}
printTable()
for (const failure of failures) console.log(`failed  ${failure}`)
process.exit(failures.length > 0 || files.length === 0 ? 1 : 0)

function isWanted(name) {
  return wanted.length === 0 || wanted.some((part) => name.includes(part))
}

function runBench(file) {
  return new Promise((resolve) => {
    const child = spawn(findNode(), [file], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let rest = ''
    child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()
      lines.forEach(take)
    })
    child.on('error', () => resolve({ code: 1, signal: null }))
    child.on('close', (code, signal) => {
      if (rest !== '') take(rest)
      resolve({ code, signal })
    })
  })
}

function take(line) {
  const row = line.startsWith('{') ? parsed(line) : undefined
  if (row?.what === undefined) console.log(line)
  else rows.push(row)
}

function parsed(line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function printTable() {
  const table = [['what', 'unit', 'orrery', 'peer', '', 'orrery is']]
  for (const { what, unit, orrery, peer, peerName, better } of rows)
    table.push([
      what,
      unit,
      shown(orrery),
      shown(peer),
      peerName ?? '',
      ratio(orrery, peer, better),
    ])
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)))
  console.log('')
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
}

function shown(value) {
  if (typeof value !== 'number') return '–'
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

function ratio(orrery, peer, better) {
  if (typeof orrery !== 'number' || typeof peer !== 'number') return '–'
  const times = better === 'higher' ? orrery / peer : peer / orrery
  return times >= 1 ? `${times.toFixed(1)}× better` : `${(1 / times).toFixed(1)}× worse`
}
