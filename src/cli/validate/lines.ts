import type { Check, Example, Report } from '#contracts'

/** What came of contracts, for people: what is wrong, with rows that show it. */
export function linesOf(
  reports: readonly Report[],
  { quiet }: { quiet: boolean },
): readonly string[] {
  return reports.flatMap((report) => {
    const { counts, datasets, contract, outcome } = report
    if (quiet && outcome === 'passed') return []
    const checks = datasets.flatMap((dataset) => dataset.checks)
    const said = checks.filter((check) => check.outcome !== 'passed')
    const shown = quiet ? said.filter((check) => check.outcome === 'failed') : said
    const rows = datasets.map(({ name, rows: count }) => `${name}: ${count} rows`).join(', ')
    const parts = [
      `${counts.passed} kept`,
      ...(counts.failed > 0 ? [`${counts.failed} broken`] : []),
      ...(counts.warned > 0 ? [`${counts.warned} broken as a warning`] : []),
      ...(counts.skipped > 0 ? [`${counts.skipped} not checked`] : []),
    ]
    return [...shown.flatMap(checkLines), `${contract.file} (${rows}): ${parts.join(', ')}`]
  })
}

function checkLines(check: Check): string[] {
  const word =
    check.outcome === 'skipped' ? 'skipped' : check.severity === 'warning' ? 'warning' : 'failed'
  const name = check.anomaly === null ? '' : ` [${check.anomaly}]`
  return [
    `${word}  ${printable(check.message)}${name}`,
    ...check.examples.map((example) => `         ${printable(exampleText(example))}`),
  ]
}

function exampleText({ file, row, values, rows }: Example): string {
  const shown = Object.entries(values)
    .map(([column, value]) => `${column} = ${value === null ? 'null' : JSON.stringify(value)}`)
    .join(', ')
  if (file !== null && row !== null) return `${file} row ${row}: ${shown}`
  return rows === undefined ? shown : `${shown}, ${rows} times`
}

/** Data is anybody's: it moves no cursor. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '�')
}
