import { isMap, type ParamValue, type Pin } from '#stages'
import { pythonText } from './python.ts'
import { TemplateFault } from './template.ts'

/** `meta.pin`: false pins nothing, a map adds variables or, with null, leaves one as the machine has it. */
export function pinOf(value: ParamValue | undefined): Pin | undefined {
  if (value === undefined || value === null || value === true) return undefined
  if (value === false) return false
  if (!isMap(value))
    throw new TemplateFault(
      `meta.pin must be false, or a map of variables, for example { OMP_NUM_THREADS: 4 }`,
    )
  return new Map([...value].map(([name, said]) => [variable(String(name)), textOf(name, said)]))
}

function variable(name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name)) return name
  throw new TemplateFault(`meta.pin.${name} is no name of a variable; it has letters, digits and _`)
}

function textOf(name: unknown, value: ParamValue): string | null {
  if (value === null || value === false) return null
  if (['string', 'number', 'bigint'].includes(typeof value)) return pythonText(value)
  throw new TemplateFault(
    `meta.pin.${String(name)} must be a text or a number; null leaves the variable as it is`,
  )
}
