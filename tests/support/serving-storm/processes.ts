import { readdir, readFile } from 'node:fs/promises'

export interface Running {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** All that a process has started, at any depth, whatever is in their environments. */
export async function startedBy(pid: number): Promise<Running[]> {
  const all = (await Promise.all((await readdir('/proc')).filter(isNumber).map(looked))).flat()
  const below = (parent: number): Running[] =>
    all.flatMap((each) => (each.parent === parent ? [each].concat(below(each.pid)) : []))
  return below(pid)
}

const isNumber = (name: string) => /^\d+$/.test(name)

async function looked(name: string): Promise<Running[]> {
  try {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8')
    // The name of the program stands in brackets and may hold anything.
    const [, parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const command = (await readFile(`/proc/${name}/cmdline`, 'utf8')).replaceAll('\0', ' ')
    return [{ pid: Number(name), parent: Number(parent), command }]
  } catch {
    // It ended while we looked.
    return []
  }
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}
