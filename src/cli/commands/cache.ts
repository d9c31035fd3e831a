import type { Argv } from 'yargs'
import { command } from '../command.ts'
import { levelFlags } from '../settings.ts'

export const cache = command({
  command: 'cache',
  describe: 'Show or change the folder in which versions of data are kept',
  builder: (argv: Argv) => argv.command([dir]).demandCommand(1, 'name an action: dir'),
  handler: () => {},
})

const dir = command({
  command: 'dir [value]',
  describe: 'Show the cache’s folder, or set it',
  builder: (argv) =>
    levelFlags(argv)
      .positional('value', { type: 'string', describe: 'The folder from now on' })
      .option('unset', {
        alias: 'u',
        type: 'boolean',
        default: false,
        describe: 'Go back to .dvc/cache',
      }),
  handler: async (flags) => {
    const { join } = await import('node:path')
    const { Problem } = await import('#base/problem')
    const { findSetting, unsetOption } = await import('#app/project/option')
    const { setOption } = await import('#app/project/remotes')
    const { levelOf, settingsHere } = await import('../settings.ts')
    const { say } = await import('../say.ts')
    const place = settingsHere()
    const level = levelOf(flags)
    const option = { section: 'cache', name: 'dir' }
    if (flags.unset) unsetOption(place, level, option)
    else if (flags.value !== undefined)
      setOption(place, level ?? 'project', { ...option, value: flags.value })
    const isChange = flags.unset || flags.value !== undefined
    const found = findSetting(place, isChange ? undefined : level, option)?.value
    const folder = found ?? (place.root === undefined ? undefined : join(place.root, '.dvc/cache'))
    if (folder === undefined)
      throw new Problem('not-found', 'cache.dir is not set, and this is not inside a project')
    say(flags, { dir: folder }, isChange ? [] : [folder])
  },
})
