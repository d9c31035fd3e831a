// Runs before the first paint, so that a dark page never flashes white.
;(() => {
  let choice = 'system'
  try {
    choice = localStorage.getItem('orrery-theme') ?? 'system'
  } catch {
    // Storage is closed to us; the system's choice will do.
  }
  const dark =
    choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
