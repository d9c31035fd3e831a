import type { MonitorConfig, ReferenceDataConfig } from '#projects'

type ReferenceConfig = NonNullable<MonitorConfig['reference']>

/** What the columns of named data are. */
export interface ColumnRoles {
  readonly inputs: readonly string[]
  /** None where the version itself is asked. */
  readonly outputs: readonly string[]
  /** Null where the data says no time. */
  readonly time: string | null
}

/** Whether windows are compared with data that the monitor names. */
export function isNamed(reference: ReferenceConfig | undefined): reference is ReferenceDataConfig {
  return typeof reference === 'object' && 'data' in reference
}

/** What is wrong with what is said of named data. */
export function namedProblems(reference: ReferenceDataConfig): string[] {
  const { label, id, time, key, inputs = [] } = reference
  const others = [...outputsOf(reference), ...[label, id].filter((each) => each !== undefined)]
  const doubled = inputs.find((input) => others.includes(input))
  const seen = [...others, ...[time, key].filter((each) => each !== undefined)]
  const twice = seen.find((each, at) => seen.indexOf(each) !== at)
  return [
    ...(doubled === undefined ? [] : [`${doubled} is an input and something else; say what it is`]),
    ...(twice === undefined ? [] : [`${twice} has two parts; say which it is`]),
  ]
}

function outputsOf({ outputs = [] }: ReferenceDataConfig): string[] {
  return typeof outputs === 'string' ? [outputs] : outputs
}

/**
 * What the columns of named data are: as the monitor says, else the inputs that the version's signature has, else all that
 * have no other part. Gives a sentence where columns are missing.
 */
export function rolesIn(
  columns: readonly string[],
  monitor: Pick<MonitorConfig, 'key' | 'label' | 'window'>,
  of: { reference: ReferenceDataConfig; signature: readonly string[] | undefined },
): ColumnRoles | string {
  const { reference, signature } = of
  const { data, label, id, time, key } = reference
  const has = (column: string | undefined) => column !== undefined && columns.includes(column)
  const outputs = outputsOf(reference)
  const said = [...(reference.inputs ?? []), ...outputs, label, id, time, key]
  const lacking = said.filter((each) => each !== undefined && !has(each))
  if (lacking.length > 0)
    return `${data} has no column ${lacking.join(', ')}; it has ${columns.join(', ')}`
  const untaken = reference.inputs === undefined ? (signature ?? []) : []
  const missing = untaken.filter((each) => !has(each))
  if (missing.length > 0)
    return `${data} has no column ${missing.join(', ')}, which the model takes; it has ${columns.join(', ')}: name other data, or its inputs`
  const by = time ?? (has(monitor.window.by) ? monitor.window.by : undefined) ?? null
  const others = new Set([...outputs, label ?? monitor.label, id, by, key])
  const inputs = reference.inputs ?? signature ?? columns.filter((column) => !others.has(column))
  return inputs.length === 0
    ? `${data} has no column that is an input; it has ${columns.join(', ')}`
    : { inputs, outputs, time: by }
}
