import { parse as parseCsv } from 'csv-parse/sync'
import { messageOf, Problem } from '#base/problem'
import type { ParamValue } from '#stages'
import { readParamsFile } from './params-file.ts'

/** Reads a file of points as dvc does: rows of CSV and TSV are maps of text. Throws where it cannot. */
export function readPlotFile(
  path: string,
  bytes: Uint8Array,
  { header }: { header: boolean },
): ParamValue {
  const extension = /\.[^./]+$/.exec(path)?.[0] ?? ''
  if (!EXTENSIONS.has(extension))
    throw new Problem(
      'unsupported',
      `${path} cannot be drawn: plots are JSON, YAML, TOML, CSV, TSV, or a picture (.png, .jpg, .gif, .svg)`,
    )
  const text = textOf(path, bytes)
  if (extension === '.csv') return rowsOf(path, text, { header, delimiter: ',' })
  if (extension === '.tsv') return rowsOf(path, text, { header, delimiter: '\t' })
  const read = readParamsFile(path, extension === '.json' ? withoutNaN(text) : text)
  if (read.problems.length > 0) throw new Problem('invalid', `${path}: ${read.problems.join('; ')}`)
  return read.value
}

const EXTENSIONS = new Set(['.json', '.yaml', '.yml', '.toml', '.py', '.csv', '.tsv'])

function textOf(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Problem('invalid', `${path} is not text in UTF-8; write it anew`)
  }
}

/** Python writes what no JSON has for a loss that is no number; such a point is left empty. */
function withoutNaN(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (found) =>
    found.startsWith('"') ? found : 'null',
  )
}

function rowsOf(
  path: string,
  text: string,
  { header, delimiter }: { header: boolean; delimiter: string },
): ParamValue {
  const [first = [], ...rest] = linesOf(path, text, delimiter)
  const names = header ? first : first.map((_, at) => String(at))
  const rows = header ? rest : [first, ...rest].filter((row) => row.length > 0)
  return rows.map((row) => new Map(names.map((name, at) => [name, row[at] ?? null])))
}

function linesOf(path: string, text: string, delimiter: string): string[][] {
  try {
    return parseCsv(text, {
      delimiter,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
    })
  } catch (error) {
    throw new Problem('invalid', `${path}: ${messageOf(error)}`)
  }
}
