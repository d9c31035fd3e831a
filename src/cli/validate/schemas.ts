import { Problem } from '#base/problem'
export async function importSchema(file: string, _output: string | undefined): Promise<void> {
  throw new Problem('unsupported', file)
}
export async function exportSchema(file: string, _output: string | undefined): Promise<void> {
  throw new Problem('unsupported', file)
}
