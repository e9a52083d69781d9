# Was an Menschen gesendet wird: E-Mails und SMS. Keine SMS darf länger sein als 160 Zeichen des GSM-Alphabets.

mail-greeting = Guten Tag { $name },
# Der Code selbst steht nicht im Betreff: Mailserver protokollieren Betreffzeilen.
mail-code-subject = Ihr Code für { $tenant }
mail-code-intro = Jemand, hoffentlich Sie selbst, will bei { $tenant } zeigen, dass er Sie ist: für ein neues Passwort oder für Ihre Kontoseite. Das ist der Code:
mail-code-valid = { $minutes ->
    [one] Er gilt eine Minute lang, einmal und nur in dem Browser, in dem Sie begonnen haben.
   *[other] Er gilt { $minutes } Minuten lang, einmal und nur in dem Browser, in dem Sie begonnen haben.
}
mail-code-never = Nennen Sie ihn niemandem. Der Helpdesk wird Sie nie danach fragen.
mail-code-not-you = Das waren nicht Sie? Dann brauchen Sie nichts zu tun: Ohne diesen Code wird nichts geändert. Wenn solche Nachrichten wiederkommen, sagen Sie es Ihrem Helpdesk.
mail-contact-code-intro = Jemand, hoffentlich Sie, möchte diese Adresse zu einem Konto bei { $tenant } hinzufügen. Das ist der Code dafür:
mail-contact-code-not-you = Das waren nicht Sie? Dann brauchen Sie nichts zu tun: Ohne diesen Code wird die Adresse nicht hinzugefügt. Geben Sie ihn niemandem, der danach fragt.
mail-changed-subject = Ihr Passwort bei { $tenant } wurde geändert
mail-changed-intro = Das Passwort Ihres Kontos bei { $tenant } wurde gerade geändert.
mail-changed-when = Wann:
mail-changed-where = Von:
mail-changed-place = In:
mail-changed-follow = Wird gleich auch gesetzt in:
mail-changed-you = Das waren Sie? Dann ist alles in Ordnung. Verwenden Sie ab jetzt Ihr neues Passwort, auch auf dem Telefon.
mail-unlocked-subject = Ihr Konto bei { $tenant } wurde entsperrt
mail-unlocked-intro = Ihr Konto bei { $tenant } war gesperrt und wurde gerade entsperrt. Das Passwort hat sich nicht geändert.
mail-help = Helpdesk: { $contact }
mail-signature = { $tenant }
mail-automatic = Diese Nachricht wurde automatisch erstellt. Antworten darauf werden nicht gelesen.

sms-code = { $code } ist Ihr Code für { $tenant }. Er gilt { $minutes } Minuten. Nennen Sie ihn niemandem.

    @{ $host } #{ $code }
sms-contact-code = { $code } ist der Code, um diese Nummer bei { $tenant } hinzuzufügen. Nennen Sie ihn niemandem.

    @{ $host } #{ $code }
sms-changed = Ihr Passwort bei { $tenant } wurde geändert.
sms-unlocked = Ihr Konto bei { $tenant } wurde entsperrt.
mail-changed-unknown = unbekannt

# In Nachrichten: was geschah, und wie man sagt, dass man es nicht war
mail-you = Das waren Sie? Dann ist alles in Ordnung.
mail-not-me = Das waren nicht Sie? Öffnen Sie diese Seite und drücken Sie dort auf den Knopf. Von da an kann hier nichts mehr zurückgesetzt oder geändert werden, bis Ihr Helpdesk nachgesehen hat:
mail-not-me-button = Das war nicht ich
mail-not-me-code = Wenn der Link nicht geht, öffnen Sie { $page } und geben Sie dort diesen Code ein:
mail-again-subject = Noch einmal: Ihr Passwort bei { $tenant } wurde geändert
mail-again-intro = Gestern wurde das Passwort Ihres Kontos bei { $tenant } geändert, von jemandem, der Ihre E-Mails lesen konnte.
mail-again-you = Wir sagen es Ihnen zweimal, denn wer Ihre E-Mails lesen kann, hätte unsere erste Nachricht löschen können. Das waren Sie? Dann ist alles in Ordnung.
mail-tries-subject = Jemand hat mehrere Codes für Ihr Konto bei { $tenant } versucht
mail-tries-intro = Jemand wollte bei { $tenant } zeigen, dass er Sie ist, und hat mehrere falsche Codes eingegeben. Es wurde nichts geändert.
mail-tries-you = Das waren Sie? Dann warten Sie bitte ein wenig und versuchen Sie es noch einmal mit dem neuesten Code.
mail-method-subject = Womit Sie sich bei { $tenant } ausweisen, wurde geändert
mail-method-added = Für Ihr Konto bei { $tenant } kam etwas hinzu, womit Sie sich ausweisen können: { $method }.
mail-method-removed = Für Ihr Konto bei { $tenant } wurde etwas entfernt, womit Sie sich ausweisen konnten: { $method }.
mail-method-changed = Für Ihr Konto bei { $tenant } ist etwas anders als bisher, womit Sie sich ausweisen: { $method }.
mail-method-stopped = Für Ihr Konto bei { $tenant } wurde etwas gesperrt, womit Sie nachweisen, wer Sie sind, denn es gibt vielleicht eine Kopie davon: { $method }. Es weist nichts mehr nach. Bitte melden Sie sich an, entfernen Sie es und fügen Sie ein neues hinzu.
mail-method-email = eine E-Mail-Adresse
mail-method-private-email = eine private E-Mail-Adresse
mail-method-sms = eine Mobilnummer
mail-method-totp = eine Authenticator-App
mail-method-passkey = ein Passkey
mail-method-recovery-code = Wiederherstellungscodes
mail-method-other = ein anderes Verfahren
mail-contact-subject = Ihre Kontaktdaten bei { $tenant } wurden geändert
mail-contact-mail = Im Verzeichnis von { $tenant } steht für Sie jetzt eine andere E-Mail-Adresse als bisher.
mail-contact-mobile = Im Verzeichnis von { $tenant } steht für Sie jetzt eine andere Mobilnummer als bisher.
mail-contact-both = Im Verzeichnis von { $tenant } stehen für Sie jetzt eine andere E-Mail-Adresse und eine andere Mobilnummer als bisher.
mail-contact-you = Nach einer Wartezeit gehen Codes für ein neues Passwort dorthin. War das so gewollt? Dann ist alles in Ordnung.
mail-frozen-subject = Für Ihr Konto bei { $tenant } kann nichts mehr zurückgesetzt werden
mail-frozen-intro = Für Ihr Konto bei { $tenant } kann hier nichts mehr zurückgesetzt, entsperrt oder geändert werden.
mail-frozen-then = Entweder hat jemand auf eine unserer Nachrichten mit „Das war nicht ich“ geantwortet, oder Ihr Helpdesk möchte erst nachsehen. Bitte rufen Sie Ihren Helpdesk an: Nur er kann es wieder erlauben.
mail-lifted-subject = Ihr Konto bei { $tenant } ist wieder frei
mail-lifted-intro = Ihr Helpdesk hat nachgesehen: Für Ihr Konto bei { $tenant } können hier wieder Passwörter zurückgesetzt werden.
mail-lifted-you = Sie haben mit Ihrem Helpdesk gesprochen? Dann ist alles in Ordnung.
mail-helpdesk-subject = Ihr Helpdesk hat einen Code für Ihr Konto bei { $tenant } herausgegeben
mail-helpdesk-intro = Der Helpdesk von { $tenant } hielt jemanden am Telefon für Sie und gab ihm einen Code, mit dem er sich hier als Sie ausweisen kann.
mail-alert-subject = { $tenant }: „Das war nicht ich“
mail-alert-intro = Jemand, dem wir sagten, was mit seinem Konto bei { $tenant } geschah, sagt, dass er es nicht war. Das Konto ist eingefroren.
mail-alert-who = Wer:
mail-alert-about = Worum es geht:
mail-alert-of = Wann das geschah:
mail-alert-when = Wann er es sagte:
mail-alert-then = Bitte rufen Sie diesen Menschen unter einer Nummer an, die Sie von anderswo kennen, nicht aus einer E-Mail. Wenn das Passwort geändert wurde, setzen Sie ein neues. Sehen Sie dann nach, was geschah, und heben Sie die Sperre auf, oder lassen Sie sie.
mail-alert-command = Zum Nachsehen: { $command }
mail-untold-subject = { $tenant }: Viele haben eine erste Adresse aus dem Verzeichnis bekommen
mail-untold-intro = { $people } Personen haben andere Adressen als vor einer Stunde; wer vorher keine hatte, erfährt es nicht einzeln.
mail-untold-then = Lassen Sie den Agenten seit eben ein weiteres Attribut lesen, ist alles in Ordnung. Wenn nicht, hat vielleicht jemand Adressen ins Verzeichnis geschrieben: Bitte sehen Sie nach, bevor damit Passwörter zurückgesetzt werden können.
mail-many-subject = { $tenant }: Ein Betreuer tut sehr viel auf einmal
mail-many-intro = Ein Betreuer an der Konsole hat innerhalb von zehn Minuten { $acts } Dinge für Personen getan.
mail-many-who = Betreuer
mail-week-subject = { $tenant }: Passwörter der letzten sieben Tage
mail-week-intro = Was Ihre Leute selbst getan haben, und wie es ausging.
mail-week-applied = Getan
mail-week-refused = Vom Verzeichnis abgelehnt
mail-week-failed = Fehlgeschlagen
mail-week-of = { $able } von { $served }
mail-week-page = Mehr davon, mit Diagrammen, steht in der Konsole: { $url }
mail-decision-subject = { $tenant }: Ein Kollege braucht Ihre Entscheidung
mail-decision-intro = Ein Kollege an der Konsole möchte etwas tun, das nur zu zweit geht, und Sie dürfen es freigeben oder ablehnen. Bitte innerhalb einer Stunde.
mail-decision-who = Erbeten von
mail-decision-page = Öffnen Sie die Konsole selbst und sehen Sie unter Freigaben nach: { $url }
mail-decision-then = Sprechen Sie mit Ihrem Kollegen, bevor Sie es freigeben. Worum es geht, steht nicht in dieser Nachricht, damit es niemand erfährt, der Ihre Mails liest.
mail-many-then = War das geplant, ist alles in Ordnung. Wenn nicht, sperren Sie ihn an der Konsole unter Betreuer, und sehen Sie ins Protokoll.
mail-about-changed = ein neues Passwort
mail-about-unlocked = eine Entsperrung
mail-about-tries = mehrere falsche Codes
mail-about-method = eine Änderung dessen, womit er sich ausweist
mail-about-contact = andere Kontaktdaten im Verzeichnis
mail-about-operator = etwas, das der Helpdesk tat

sms-not-me = Nicht Sie? { $link }
sms-not-you = Das waren nicht Sie? Sagen Sie es sofort Ihrem Helpdesk.
sms-tries = { $tenant }: falsche Codes für Ihr Konto.
sms-method = { $tenant }: Ihre Nachweise wurden geändert.
sms-contact = { $tenant }: Ihre Kontaktdaten wurden geändert.
sms-frozen = { $tenant }: Für Ihr Konto kann nichts mehr zurückgesetzt werden. Bitte rufen Sie Ihren Helpdesk an.
sms-lifted = { $tenant }: Ihr Konto ist wieder frei.
sms-helpdesk = { $tenant }: Der Helpdesk gab einen Code heraus.
sms-alert = { $tenant }: Jemand sagt, dass er es nicht war.
mail-register-subject = Richten Sie ein, wie Sie Ihr Passwort bei { $tenant } zurücksetzen
mail-register-intro = Wenn Sie Ihr Passwort bei { $tenant } vergessen, können Sie in einer Minute selbst ein neues setzen, sobald Sie eingerichtet haben, wie Sie zeigen, dass Sie es sind: mit einer Authenticator-App, einem Passkey oder Wiederherstellungscodes.
mail-reconfirm-subject = Stimmen Ihre Sicherheitsmethoden bei { $tenant } noch?
mail-reconfirm-intro = Bitte sehen Sie sich an, auf welche Weisen Sie bei { $tenant } zeigen können, dass Sie es sind, damit sie im Ernstfall funktionieren.
mail-register-page = Öffnen Sie diese Seite in Ihrem Browser: { $url }
mail-register-password = Dort werden Sie nach einem Code und Ihrem aktuellen Passwort gefragt. Niemand fragt Sie je per E-Mail oder am Telefon nach Ihrem Passwort.
sms-register = { $tenant }: Bitte richten Sie ein, wie Sie Ihr Passwort zurücksetzen.
sms-reconfirm = { $tenant }: Stimmen Ihre Sicherheitsmethoden noch?
mail-expires-subject = Ihr Passwort bei { $tenant } läuft bald ab
mail-expires-intro = Das Passwort Ihres Kontos bei { $tenant } läuft ab. Danach können Sie sich damit nicht mehr anmelden.
mail-expires-at = Gültig bis:
mail-expires-how = Bitte ändern Sie es vorher: an Ihrem Computer bei der Arbeit oder im Browser.
mail-expires-here = Tippen Sie im Browser diese Adresse von Hand: { $page }
mail-expires-link = In dieser Nachricht ist mit Absicht kein Link: Geben Sie Ihr Passwort nie auf einer Seite ein, auf die Sie eine E-Mail geführt hat.
sms-expires = { $tenant }: Ihr Passwort läuft bald ab.
sms-untold = { $tenant }: Viele haben eine erste Adresse aus dem Verzeichnis.
sms-week = { $tenant }: Die Zahlen der Woche stehen in der Konsole.
sms-decision = { $tenant }: Ein Kollege an der Konsole braucht Ihre Entscheidung.
sms-many = { $tenant }: Ein Betreuer an der Konsole tut sehr viel auf einmal.
