/** What a look into a file makes of it, by its name. */
export type FileKind = 'picture' | 'table' | 'json' | 'page' | 'text' | 'other'

const KINDS: Readonly<Record<string, FileKind>> = {
  png: 'picture',
  jpg: 'picture',
  jpeg: 'picture',
  gif: 'picture',
  webp: 'picture',
  svg: 'picture',
  csv: 'table',
  tsv: 'table',
  json: 'json',
  ipynb: 'json',
  html: 'page',
  htm: 'page',
}
/** Bytes that nobody reads as text; of what is not named here, the first bytes tell. */
const OTHER = new Set(
  'parquet pkl pickle pt pth onnx zip gz tar npy npz skops h5 pdf bin ubj safetensors joblib'.split(
    ' ',
  ),
)

export function kindOf(path: string): FileKind {
  const ending = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
  return KINDS[ending] ?? (OTHER.has(ending) ? 'other' : 'text')
}

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The table in a file: of a CSV, or of JSON as `mlflow.log_table` and data frames write it. */
export function tableIn(path: string, text: string, isWhole: boolean): Table | undefined {
  const kind = kindOf(path)
  if (kind === 'json') return isWhole ? tableInJson(text) : undefined
  if (kind !== 'table') return undefined
  const [columns, ...rows] = rowsIn(text, path.toLowerCase().endsWith('.tsv') ? '\t' : ',')
  if (columns === undefined) return undefined
  // The last line of a beginning may be half a line.
  return { columns, rows: isWhole ? rows : rows.slice(0, -1) }
}

function tableInJson(text: string): Table | undefined {
  try {
    const found = JSON.parse(text) as { columns?: unknown; data?: unknown } | null
    const { columns, data } = found ?? {}
    if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray))
      return undefined
    return {
      columns: columns.map(String),
      rows: (data as unknown[][]).map((row) => row.map(cellIn)),
    }
  } catch {
    return undefined
  }
}

function cellIn(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

/** Rows of fields, as RFC 4180 writes them. */
export function rowsIn(text: string, separator: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let quoted = false
  const endField = () => {
    row.push(field)
    field = ''
  }
  const endRow = () => {
    endField()
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? ''
    if (quoted) {
      if (letter !== '"') field += letter
      else if (text[at + 1] === '"') field += text[++at] ?? ''
      else quoted = false
    } else if (letter === '"' && field === '') quoted = true
    else if (letter === separator) endField()
    else if (letter === '\n') endRow()
    else if (letter !== '\r') field += letter
  }
  if (field !== '' || row.length > 0) endRow()
  return rows
}
