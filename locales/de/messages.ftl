# Was an Menschen gesendet wird: E-Mails und SMS. Keine SMS darf länger sein als 160 Zeichen des GSM-Alphabets.

mail-greeting = Guten Tag { $name },
# Der Code selbst steht nicht im Betreff: Mailserver protokollieren Betreffzeilen.
mail-code-subject = Ihr Code für { $tenant }
mail-code-intro = Jemand, hoffentlich Sie selbst, setzt gerade das Passwort Ihres Kontos bei { $tenant } zurück. Das ist der Code:
mail-code-valid = { $minutes ->
    [one] Er gilt eine Minute lang, einmal und nur in dem Browser, in dem Sie begonnen haben.
   *[other] Er gilt { $minutes } Minuten lang, einmal und nur in dem Browser, in dem Sie begonnen haben.
}
mail-code-never = Nennen Sie ihn niemandem. Der Helpdesk wird Sie nie danach fragen.
mail-code-not-you = Das waren nicht Sie? Dann brauchen Sie nichts zu tun: Ohne diesen Code wird nichts geändert. Wenn solche Nachrichten wiederkommen, sagen Sie es Ihrem Helpdesk.
mail-changed-subject = Ihr Passwort bei { $tenant } wurde geändert
mail-changed-intro = Das Passwort Ihres Kontos bei { $tenant } wurde gerade geändert.
mail-changed-when = Wann:
mail-changed-where = Von:
mail-changed-place = In:
mail-changed-follow = Wird gleich auch gesetzt in:
mail-changed-you = Das waren Sie? Dann ist alles in Ordnung. Verwenden Sie ab jetzt Ihr neues Passwort, auch auf dem Telefon.
mail-changed-not-you = Das waren nicht Sie? Dann sagen Sie es sofort Ihrem Helpdesk, damit er Ihr Konto sichern kann.
mail-unlocked-subject = Ihr Konto bei { $tenant } wurde entsperrt
mail-unlocked-intro = Ihr Konto bei { $tenant } war gesperrt und wurde gerade entsperrt. Das Passwort hat sich nicht geändert.
mail-unlocked-you = Das waren Sie? Dann ist alles in Ordnung.
mail-help = Helpdesk: { $contact }
mail-signature = { $tenant }
mail-automatic = Diese Nachricht wurde automatisch erstellt. Antworten darauf werden nicht gelesen.

sms-code = { $code } ist Ihr Code für { $tenant }. Er gilt { $minutes } Minuten. Nennen Sie ihn niemandem.

    @{ $host } #{ $code }
sms-changed = Ihr Passwort bei { $tenant } wurde geändert. Das waren nicht Sie? Sagen Sie es sofort Ihrem Helpdesk.
sms-unlocked = Ihr Konto bei { $tenant } wurde entsperrt, das Passwort bleibt. Das waren nicht Sie? Sagen Sie es sofort Ihrem Helpdesk.
mail-changed-unknown = unbekannt
