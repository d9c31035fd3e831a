import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { contractFileAt } from '#app/project/contract-files'
import { Problem } from '#base/problem'
import { printContract } from '#protocols/odcs/index'
import { printSchema, readSchema } from '#protocols/tfdv/index'

/** Makes a contract of a schema of TensorFlow Data Validation. */
export function importSchema(file: string, output: string | undefined): void {
  if (!existsSync(file)) throw new Problem('not-found', `there is no file ${file}`)
  const name = basename(file).replace(/\.(?:pbtxt|textproto|txt)$/, '') || 'data'
  const { contract, problems } = readSchema(readFileSync(file, 'utf8'), { name })
  if (contract === undefined)
    throw new Problem(
      'invalid',
      `${file} cannot be read as a schema of TFDV:\n${problems.map(({ line, message }) => `  line ${line}: ${message}`).join('\n')}`,
    )
  put(printContract(contract), output)
}

/** A contract as a schema of TensorFlow Data Validation; what that cannot say is told. */
export function exportSchema(file: string, output: string | undefined): void {
  const { contract } = contractFileAt(process.cwd(), resolve(file))
  const [dataset, ...others] = contract.datasets
  if (dataset === undefined || others.length > 0)
    throw new Problem(
      'unsupported',
      `${file} has several objects, and a schema of TFDV is about one`,
    )
  const { text, left } = printSchema(contract, dataset)
  if (left.length > 0) process.stderr.write(`TFDV has no words for: ${left.join(', ')}\n`)
  put(text, output)
}

function put(text: string, output: string | undefined): void {
  if (output === undefined) process.stdout.write(text)
  else if (existsSync(output))
    throw new Problem(
      'exists',
      `${output} exists already; name another file with -o, or move it away`,
    )
  else writeFileSync(output, text, { flag: 'wx' })
}
