import { isSeq, parseDocument } from 'yaml'
import { Problem } from '#base/problem'
import type { Plain, Proposal, Proposed, ProposedColumn } from '#contracts'

/** The version of the standard that is written. */
export const API_VERSION = 'v3.1.0'

/** A proposed contract as text, each statement with a comment that says what in the data suggests it. */
export function printProposal(proposal: Proposal, { id }: { id: string }): string {
  const { name, path, rows, columns, least } = proposal
  return `${[
    `# Proposed from ${rows} rows of ${oneLine(path)}. Read it, change what is not meant, and keep it with the code.`,
    `apiVersion: ${API_VERSION}`,
    'kind: DataContract',
    `id: ${scalar(id)}`,
    `name: ${scalar(name)}`,
    'version: 0.1.0',
    'status: draft',
    'schema:',
    `  - name: ${scalar(name)}`,
    '    logicalType: object',
    // Of data that lies elsewhere on this machine, whoever validates gives the path.
    ...(path.startsWith('/') || /^[A-Za-z]:/.test(path)
      ? []
      : [`    physicalName: ${scalar(/[/.]/.test(path) ? path : `./${path}`)}`]),
    ...(least === undefined
      ? []
      : [
          '    quality:',
          '      - metric: rowCount',
          ...said(8, 'mustBeGreaterOrEqualTo', least),
          '        severity: warning',
        ]),
    columns.length === 0 ? '    properties: []' : '    properties:',
    ...columns.flatMap((column) => printColumn(column, 6)),
  ].join('\n')}\n`
}

/**
 * A contract's text with the columns of a proposal that it does not have yet; every comment and every word of
 * what is there stays. Undefined where nothing is to be added.
 */
export function withNewColumns(
  text: string,
  proposal: Proposal,
  known: ReadonlySet<string>,
): string | undefined {
  const added = proposal.columns.filter(({ name }) => !known.has(name))
  if (added.length === 0) return undefined
  const document = parseDocument(text)
  const properties = document.getIn(['schema', 0, 'properties'])
  if (
    !isSeq(properties) ||
    properties.flow === true ||
    properties.range === null ||
    properties.range === undefined
  )
    throw new Problem(
      'unsupported',
      'the properties of the contract are not a list of lines; add the columns by hand',
    )
  const last = properties.items.at(-1) as { range?: [number, number, number] } | undefined
  const first = properties.items[0] as { range?: [number, number, number] } | undefined
  if (last?.range === undefined || first?.range === undefined)
    throw new Problem(
      'unsupported',
      'the contract lists no properties yet; add the columns by hand',
    )
  const lineStart = text.lastIndexOf('\n', first.range[0] - 1) + 1
  const indent = text.slice(lineStart).search(/\S/)
  const before = text.slice(0, last.range[1]).replace(/\s+$/, '')
  const lines = added.flatMap((column) => printColumn(column, indent))
  return `${before}\n${lines.join('\n')}\n${text.slice(last.range[1]).replace(/^\n/, '')}`
}

function printColumn(column: ProposedColumn, indent: number): string[] {
  const pad = ' '.repeat(indent)
  const { type, minimum, maximum, pattern, length } = column
  const options = [
    ...said(indent + 4, 'minimum', minimum),
    ...said(indent + 4, 'maximum', maximum),
    ...said(indent + 4, 'pattern', pattern),
    ...said(indent + 4, 'minLength', length),
    ...(length === undefined ? [] : [`${pad}    maxLength: ${length.value}`]),
  ]
  return [
    `${pad}- name: ${scalar(column.name)}`,
    ...(type === undefined ? [] : [`${pad}  logicalType: ${type}`]),
    `${pad}  physicalType: ${scalar(column.physicalType)}`,
    ...said(indent + 2, 'required', column.required),
    ...(column.unique === undefined
      ? []
      : said(indent + 2, column.unique.value === 'key' ? 'primaryKey' : 'unique', {
          ...column.unique,
          value: true,
        })),
    ...(options.length === 0 ? [] : [`${pad}  logicalTypeOptions:`, ...options]),
    ...qualityLines(column, indent + 2),
  ]
}

function qualityLines({ values, nulls }: ProposedColumn, indent: number): string[] {
  const pad = ' '.repeat(indent)
  const entries = [
    ...(values === undefined
      ? []
      : [
          `${pad}  - metric: invalidValues # ${oneLine(values.why)}`,
          `${pad}    arguments:`,
          `${pad}      validValues: [${values.value.map(scalar).join(', ')}]`,
          `${pad}    mustBe: 0`,
        ]),
    ...(nulls === undefined
      ? []
      : [
          `${pad}  - metric: nullValues # ${oneLine(nulls.why)}`,
          `${pad}    mustBeLessOrEqualTo: ${nulls.value}`,
          `${pad}    unit: percent`,
          `${pad}    severity: warning`,
        ]),
  ]
  return entries.length === 0 ? [] : [`${pad}quality:`, ...entries]
}

function said(indent: number, key: string, proposed: Proposed<Plain> | undefined): string[] {
  if (proposed === undefined) return []
  return [`${' '.repeat(indent)}${key}: ${scalar(proposed.value)} # ${oneLine(proposed.why)}`]
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** Words that YAML reads as something other than text, in its old versions as well. */
const NOT_TEXT = /^(?:true|false|yes|no|on|off|null|~|y|n|[-+.]?\d.*|\.(?:inf|nan))$/i

/** A value on one line: plain where that cannot be misread, else as JSON, which YAML takes. */
export function scalar(value: Plain): string {
  if (typeof value !== 'string') return String(value)
  const isPlain = /^[A-Za-z_][\w./-]*$/.test(value) && !NOT_TEXT.test(value)
  return isPlain ? value : escaped(value)
}

function escaped(value: string): string {
  return JSON.stringify(value).replaceAll(
    /[\u007F-\u009F\u2028\u2029\uFEFF\uD800-\uDFFF\uFFFE\uFFFF]/g,
    (each) =>
      isPaired(value, each) ? each : `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Halves of a character beyond the first plane stay as they are where they are whole. */
function isPaired(value: string, each: string): boolean {
  return /[\uD800-\uDFFF]/.test(each) && value.isWellFormed()
}
