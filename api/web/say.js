// What a script says, t("script.saving"), in the language of its page: how the words that it names are filled, and the plural form that N asks for.
((words, language) => {
  const plural = new Intl.PluralRules(language), number = new Intl.NumberFormat(language);
  return (key, fill = {}) => {
    const said = words[key], text = said.other ? said[plural.select(fill.N)] || said.other : said;
    return text.replace(/{{\.(\w+)}}/g, (_, name) => (typeof fill[name] === "number" ? number.format(fill[name]) : fill[name]));
  };
})
