import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { monitorsBin } from '../../tests/support/python.ts'

const WHEEL =
  '--only-binary :all: --no-deps --python-version 3.5 --implementation cp --abi cp35m --platform manylinux1_x86_64'

/** Fetches the wheel of scikit-multiflow 0.1.3, which holds two sets of data, to a folder, and gives that. */
export async function fetchedWheel(folder: string): Promise<string> {
  const args = ['-m', 'pip', 'download', ...WHEEL.split(' '), '-d', folder]
  await promisify(execFile)(join(monitorsBin(), 'python'), [...args, 'scikit-multiflow==0.1.3'])
  return folder
}
