import type { Check, DatasetReport, Report } from '#contracts'

/** The reports as JUnit's XML: a suite for each dataset, a case for each rule. Warnings pass, and say what they found. */
export function junitOf(reports: readonly Report[]): string {
  const suites = reports.flatMap((report) =>
    report.datasets.map((dataset) => suiteOf(report.contract.file, dataset)),
  )
  const checks = reports.flatMap(({ datasets }) => datasets.flatMap((each) => each.checks))
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${totals(checks)}>\n${suites.join('')}</testsuites>\n`
}

function suiteOf(file: string, { name, checks }: DatasetReport): string {
  const cases = checks.map((check) => caseOf(`${file}.${name}`, check)).join('')
  return `  <testsuite name="${escaped(`${file} ${name}`)}" ${totals(checks)}>\n${cases}  </testsuite>\n`
}

function totals(checks: readonly Check[]): string {
  const failures = checks.filter(isFailure).length
  const skipped = checks.filter(({ outcome }) => outcome === 'skipped').length
  return `tests="${checks.length}" failures="${failures}" errors="0" skipped="${skipped}"`
}

function isFailure({ outcome, severity }: Check): boolean {
  return outcome === 'failed' && severity === 'error'
}

function caseOf(suite: string, check: Check): string {
  const head = `    <testcase classname="${escaped(suite)}" name="${escaped(check.id)}"`
  if (check.outcome === 'passed') return `${head}/>\n`
  return `${head}>\n      ${inside(check)}\n    </testcase>\n`
}

function inside(check: Check): string {
  const message = escaped(check.message)
  if (check.outcome === 'skipped') return `<skipped message="${message}"/>`
  const examples = escaped(JSON.stringify(check.examples))
  return check.severity === 'error'
    ? `<failure type="${escaped(check.anomaly ?? check.kind)}" message="${message}">${examples}</failure>`
    : `<system-out>${message} ${examples}</system-out>`
}

/** Characters that XML cannot hold at all become question marks. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}|[\uFFFE\uFFFF]/gu, (each) =>
      /\s/.test(each) && !/[\v\f\u0085]/.test(each) ? each : '?',
    )
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
}
