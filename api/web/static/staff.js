// What a tenant's administrator sees while choosing colours: how readable letters on them will be. The server decides
// again when the form is sent; without this script the same sentence comes with the page.
const part = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4
const light = c => .2126 * part(parseInt(c.slice(1, 3), 16)) + .7152 * part(parseInt(c.slice(3, 5), 16)) + .0722 * part(parseInt(c.slice(5, 7), 16))
const contrast = (a, b) => (Math.max(light(a), light(b)) + .05) / (Math.min(light(a), light(b)) + .05)
for (const input of document.querySelectorAll('input[data-contrast]')) {
  const says = document.getElementById(input.dataset.contrast)
  input.addEventListener('input', () => {
    if (!/^#[0-9a-f]{6}$/i.test(input.value)) { says.textContent = t("script.colour_looks_like"); return }
    const white = contrast('#ffffff', input.value), dark = contrast('#111827', input.value)
    const Contrast = Math.max(white, dark).toFixed(1)
    says.textContent = (white >= dark ? t("page.letters_white", { Contrast }) : t("page.letters_dark", { Contrast })) + (white < 4.5 && input.name === 'colour' ? ' ' + t("page.it_is_pale") : '')
  })
}
