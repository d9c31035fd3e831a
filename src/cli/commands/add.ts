import { command } from '../command.ts'

export const add = command({
  command: 'add <paths..>',
  describe: 'Put files and folders under version control: bytes in the cache, hashes in .dvc files',
  builder: (argv) => argv.positional('paths', { type: 'string', array: true, demandOption: true }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const added = await here.data.add(here.targets(flags.paths))
    const files = [...new Set(added.flatMap((each) => each.files))]
    say(flags, { added }, [
      ...added.map(({ path, file, change, content }) =>
        change === 'unchanged'
          ? `${here.shown(path)} did not change`
          : `${here.shown(path)} -> ${here.shown(file)}  ${content.md5.slice(0, 8)}${content.files === undefined ? '' : `, ${content.files} files`}`,
      ),
      ...(added.some(({ change }) => change !== 'unchanged')
        ? [
            '',
            `To keep this version: git add ${files.map((file) => quoted(here.shown(file))).join(' ')}`,
          ]
        : []),
    ])
  },
})

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
