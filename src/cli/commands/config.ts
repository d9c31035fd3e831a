import { command } from '../command.ts'
import { levelFlags } from '../settings.ts'

export const config = command({
  command: 'config [name] [value]',
  describe: 'Show or change DVC’s settings of the project, of this machine or your own',
  builder: (argv) =>
    levelFlags(argv)
      .positional('name', { type: 'string', describe: 'section.option, or remote.name.option' })
      .positional('value', { type: 'string', describe: 'What it is from now on' })
      .option('unset', {
        alias: 'u',
        type: 'boolean',
        default: false,
        describe: 'Take the option out',
      })
      .option('list', { alias: 'l', type: 'boolean', default: false, describe: 'Show all of them' })
      .option('show-origin', {
        type: 'boolean',
        default: false,
        describe: 'Name the file that each is in',
      }),
  handler: async (flags) => {
    const { Problem } = await import('#base/problem')
    const { findSetting, listSettings, settingNamed, unsetOption } =
      await import('#app/project/option')
    const { setOption } = await import('#app/project/remotes')
    const { levelOf, settingsHere } = await import('../settings.ts')
    const { say } = await import('../say.ts')
    const place = settingsHere()
    const level = levelOf(flags)
    const { name, value, unset, list, showOrigin } = flags
    if (showOrigin && (value !== undefined || unset))
      throw new Problem('invalid', '--show-origin only shows; leave the value and --unset out')
    if (list && (name !== undefined || unset))
      throw new Problem('invalid', '--list shows all settings; leave the name and --unset out')
    const line = (found: { name: string; value: string; file: string }, text: string) =>
      showOrigin ? `${found.file}\t${text}` : text
    if (list) {
      const settings = listSettings(place, level)
      say(
        flags,
        { settings },
        settings.map((each) => line(each, `${each.name}=${each.value}`)),
      )
      return
    }
    if (name === undefined)
      throw new Problem('invalid', 'name a setting, as in core.remote, or use --list')
    const option = settingNamed(name)
    if (unset) unsetOption(place, level, option)
    else if (value !== undefined) setOption(place, level ?? 'project', { ...option, value })
    else {
      const found = findSetting(place, level, option)
      say(flags, { setting: found ?? null }, found === undefined ? [] : [line(found, found.value)])
      return
    }
    say(flags, { settings: listSettings(place, level ?? 'project') }, [])
    if (option.section === 'cache' && option.name === 'type' && !(flags.quiet || flags.json))
      process.stderr.write(
        'Files that are there keep their links; `orrery checkout --relink` makes them anew.\n',
      )
  },
})
