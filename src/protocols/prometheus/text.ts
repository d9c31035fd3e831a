import type { Family, Labels, Sample } from './family.ts'

export type Format = 'text' | 'openmetrics'

/** Families as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0. */
export function textOf(families: readonly Family[], format: Format): string {
  const lines: string[] = []
  for (const family of families) {
    const { name, help, type, samples } = family
    if (samples.length === 0) continue
    const counts = type === 'counter' ? `${name}_total` : name
    // OpenMetrics calls the family by its name alone, the older format by that of its samples.
    const called = format === 'openmetrics' ? name : counts
    lines.push(`# HELP ${called} ${escapedHelp(help, format)}`, `# TYPE ${called} ${type}`)
    for (const sample of samples) linesOf(lines, counts, sample, format)
  }
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

/** The format that an `Accept` header wants: OpenMetrics where it is named, as Prometheus does. */
export function formatFor(accept: string | undefined): Format {
  return accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'text'
}

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

function linesOf(lines: string[], name: string, { labels, value }: Sample, format: Format): void {
  const said = labelTexts(labels)
  if (typeof value === 'number') {
    lines.push(`${name}${braced(said)} ${numberText(value)}`)
    return
  }
  let total = 0
  for (const [at, count] of value.counts.entries()) {
    total += count
    const bound = value.bounds[at]
    const edge = bound === undefined ? '+Inf' : boundText(bound, format)
    lines.push(`${name}_bucket${braced([...said, `le="${edge}"`])} ${total}`)
  }
  lines.push(`${name}_sum${braced(said)} ${numberText(value.sum)}`)
  lines.push(`${name}_count${braced(said)} ${total}`)
}

function labelTexts(labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`)
}

function braced(said: readonly string[]): string {
  return said.length === 0 ? '' : `{${said.join(',')}}`
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** OpenMetrics writes bounds as floats. */
function boundText(bound: number, format: Format): string {
  return format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function escapedHelp(text: string, format: Format): string {
  if (format === 'openmetrics') return escaped(text)
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
