# Die Seiten, die jemand beim Zurücksetzen sieht. Einfache Worte, kein Vorwurf, keine Fachsprache.

## Every page

layout-skip = Zum Inhalt springen
layout-help = Brauchen Sie Hilfe? { $contact }
layout-support = Supportcode:
layout-language = Sprache
language-en = English
language-de = Deutsch
stage = Schritt { $at } von { $of }
help-contact = Ihr Helpdesk: { $contact }
help-nobody = Bitte wenden Sie sich an den Helpdesk Ihrer Organisation.

## Who are you?

identify-title = Passwort zurücksetzen
identify-intro = Sagen Sie uns zuerst, wer Sie sind. Dann bestätigen Sie es mit einem Code und wählen ein neues Passwort. Das dauert etwa eine Minute.
identify-name = Anmeldename oder E-Mail-Adresse
identify-name-hint = Der Name, mit dem Sie sich bei { $tenant } anmelden.
identify-continue = Weiter
identify-error-empty = Bitte geben Sie Ihren Anmeldenamen oder Ihre E-Mail-Adresse ein.
identify-error-name = Das sieht nicht nach einem Anmeldenamen oder einer E-Mail-Adresse aus. Bitte prüfen Sie die Eingabe.

## Bevor etwas für Sie getan wird

work-working = Einen Moment, wir prüfen Ihren Browser. Es geht von selbst weiter.
work-script-title = Diese Seite braucht JavaScript
work-script-text = Damit zeigt Ihr Browser, dass er kein Programm ist, das Namen durchprobiert, und später versiegelt er Ihr neues Passwort. Bitte schalten Sie es für diese Seite ein und laden Sie sie neu, oder fragen Sie den Helpdesk.
work-error-missing = Wir konnten Ihren Browser nicht rechtzeitig prüfen. Bitte drücken Sie noch einmal auf den Knopf. Bleibt es dabei, ist vielleicht JavaScript ausgeschaltet: Diese Seite braucht es.
work-error-wrong = Die Prüfung Ihres Browsers hat nicht geklappt. Bitte drücken Sie noch einmal auf den Knopf.
work-error-over = Diese Seite war eine Weile offen oder wurde zweimal gesendet. Bitte drücken Sie noch einmal auf den Knopf.
work-wait = Aus Ihrem Netz kamen sehr viele Anfragen. In { $time } geht es weiter.
work-wait-some = Aus Ihrem Netz kamen sehr viele Anfragen. In etwa { $minutes } Min. geht es weiter.

## It cannot work just now

unavailable-title = Das ist im Moment nicht möglich
unavailable-no-agent = Die Systeme von { $tenant } sind gerade nicht erreichbar, ein neues Passwort könnte also nicht gesetzt werden. Wir sagen es Ihnen, bevor Sie sich Mühe machen.
unavailable-writeback-off = Passwörter von { $tenant } können von hier aus im Moment nicht gesetzt werden.
unavailable-self-service-off = { $tenant } hat das Zurücksetzen von Passwörtern auf dieser Seite nicht eingeschaltet.
unavailable-unchanged = Es wurde nichts geändert. Ihr jetziges Passwort bleibt, wie es ist.
unavailable-retry = Noch einmal versuchen

## Which way to prove it

method-title = Wohin sollen wir Ihren Code senden?
method-intro = Mit einem Code stellen wir sicher, dass Sie es sind.
method-gate = Das ist Nachweis { $gate } von { $gates }.
method-passkey-alone = Ihr Passkey genügt allein.
method-email = E-Mail
method-private-email = Private E-Mail
method-sms = SMS
method-continue = Code senden
method-title-any = Wie möchten Sie zeigen, dass Sie es sind?
method-intro-any = Wählen Sie, was Sie zur Hand haben. Ein Weg, der für dieses Konto nie eingerichtet wurde, führt nicht weiter.
method-totp = Authenticator-App
method-totp-text = Sie tippen den Code ein, den Ihre App zeigt.
method-passkey = Passkey
method-passkey-text = Mit Fingerabdruck, Gesicht, der PIN Ihres Geräts oder einem Sicherheitsschlüssel.
method-recovery-code = Wieder­herstellungs­code
method-recovery-code-text = Einer der zehn, die Sie ausgedruckt oder gespeichert haben.
method-help-desk = Code vom Helpdesk
method-help-desk-text = Sie rufen an, der Helpdesk prüft, dass Sie es sind, und sagt Ihnen einen Code.
method-continue-any = Weiter
method-none = Ich kann nichts davon verwenden
method-none-text = Das macht nichts: Der Helpdesk kann prüfen, dass Sie es sind, und Ihnen weiterhelfen.
method-error-choose = Bitte wählen Sie, wohin wir Ihren Code senden sollen.
method-error-choose-any = Bitte wählen Sie, wie Sie nachweisen möchten, dass Sie es sind.
method-error-gone = Dieser Weg steht nicht mehr zur Verfügung. Bitte wählen Sie noch einmal.

## The code

code-title = Code eingeben
code-sent-email = Falls es das Konto gibt, haben wir eine E-Mail mit einem Code an { $masked } gesendet.
code-sent-sms = Falls es das Konto gibt, haben wir eine SMS mit einem Code an { $masked } gesendet.
code-label = Code mit 6 Ziffern
code-hint = Der Code gilt 10 Minuten. Leerzeichen und Bindestriche spielen keine Rolle.
code-continue = Weiter
code-resend = Neuen Code senden
code-resend-in = Neuer Code in { $time }
code-other = Anderen Weg wählen
code-missing = Nichts bekommen?
code-missing-email = Es kann eine Minute dauern. Bitte sehen Sie auch im Spam-Ordner nach. Wenn Sie mehrere Codes angefordert haben, gilt nur der neueste.
code-missing-sms = Es kann eine Minute dauern. Bitte prüfen Sie, ob Ihr Telefon Empfang hat. Wenn Sie mehrere Codes angefordert haben, gilt nur der neueste.
code-missing-name = Wenn nichts ankommt, wird der Name vielleicht anders geschrieben oder die Adresse ist nicht mehr aktuell.
code-notice-resent = Ein neuer Code ist unterwegs. Ältere Codes gelten nicht mehr.
code-error-empty = Bitte geben Sie den Code ein.
code-error-shape = Der Code hat 6 Ziffern. Bitte prüfen Sie Ihre Eingabe.
code-error-wrong = Dieser Code passt nicht. Bitte prüfen Sie ihn und versuchen Sie es noch einmal.
code-error-wrong-last = Dieser Code passt nicht.
code-error-expired = Dieser Code ist zu alt. Bitte lassen Sie sich einen neuen senden.
code-error-early = Gerade wurde ein Code gesendet. Bitte warten Sie einen Augenblick, bevor Sie einen weiteren anfordern.
code-error-limit = Im Moment können keine weiteren Codes gesendet werden. Bitte versuchen Sie es später noch einmal.
code-error-used-up = Auf diesem Weg können heute keine Codes mehr gesendet werden: Ihre Organisation hat ihren Anteil aufgebraucht. Bitte nutzen Sie einen anderen Weg oder fragen Sie den Helpdesk.
code-title-recovery = Geben Sie einen Wiederherstellungs­code ein
code-title-help-desk = Lassen Sie sich vom Helpdesk einen Code geben
code-from-app = Öffnen Sie Ihre Authenticator-App und tippen Sie den Code ein, den sie für { $tenant } zeigt.
code-from-paper = Nehmen Sie einen der zehn Codes, die Sie ausgedruckt oder gespeichert haben. Jeder gilt einmal.
code-from-help-desk = Rufen Sie Ihren Helpdesk an und lesen Sie diese Nummer vor. Er prüft, dass Sie es sind, und sagt Ihnen dann einen Code.
code-number = Ihre Nummer
code-number-over = Ihre Nummer gilt nicht mehr. Holen Sie sich eine neue und lesen Sie sie Ihrem Helpdesk vor. Er prüft, dass Sie es sind, und sagt Ihnen dann einen Code.
code-new-number = Neue Nummer holen
code-label-recovery = Wiederherstellungs­code mit 20 Zeichen
code-label-help-desk = Code mit 8 Ziffern
code-hint-help-desk = Der Code gilt 10 Minuten, nachdem er erstellt wurde. Leerzeichen und Bindestriche spielen keine Rolle.
code-hint-app = Der Code wechselt alle 30 Sekunden, und jeder gilt einmal. Leerzeichen stören nicht.
code-hint-recovery = Großbuchstaben, Leerzeichen und Striche spielen keine Rolle.
code-trouble = Es klappt nicht?
code-trouble-app = Wird der Code nicht angenommen, warten Sie auf den nächsten. Prüfen Sie auch, ob die Uhr Ihres Telefons automatisch gestellt wird: Der Code hängt von der Zeit ab.
code-trouble-recovery = Codes einer älteren Liste gelten nicht mehr, sobald Sie eine neue gemacht haben.
code-trouble-help-desk = Der Code gilt nur auf dieser Seite, 10 Minuten lang, nachdem der Helpdesk ihn gemacht hat. Die Nummer bleibt gleich, solange diese Seite offen ist.
code-trouble-name = Wurde dieser Weg für Ihr Konto nie eingerichtet oder ist der Name anders geschrieben, kann es nicht klappen. Nehmen Sie dann bitte einen anderen Weg.
code-error-shape-recovery = Ein Wiederherstellungs­code hat 20 Buchstaben und Ziffern. Bitte prüfen Sie Ihre Eingabe.
code-error-shape-help-desk = Der Code vom Helpdesk hat 8 Ziffern. Bitte prüfen Sie Ihre Eingabe.
code-error-used-app = Dieser Code wurde schon benutzt. Bitte warten Sie, bis Ihre App den nächsten zeigt.
code-error-used-recovery = Dieser Code wurde schon benutzt. Bitte nehmen Sie einen anderen von Ihrer Liste.
code-error-expired-help-desk = Dieser Code ist zu alt. Bitte lassen Sie sich vom Helpdesk einen neuen geben.
code-wait = Es gab mehrere Versuche. Weiter geht es in { $time }.
code-wait-some = Es gab mehrere Versuche. Bitte warten Sie einen Augenblick, bevor Sie weitermachen.
code-wait-over = Sie können jetzt weitermachen.

## One's own page: how one proves who one is

methods-title = Womit Sie zeigen, dass Sie es sind
methods-intro = Damit können Sie ein neues Passwort wählen, wenn Sie Ihres vergessen haben. Richten Sie mindestens zwei Wege ein, damit Sie sich auch helfen können, wenn einer verloren geht.
methods-none = Sie haben noch nichts eingerichtet. Ein Passkey ist am sichersten und dauert eine halbe Minute.
methods-own = Was Sie eingerichtet haben
methods-codes = Wiederherstellungs­codes
methods-left = noch { $left }
methods-few-title = { $left ->
    [0] Es ist kein Wiederherstellungscode mehr übrig
    [one] Es ist noch ein Wiederherstellungscode übrig
   *[other] Es sind noch { $left } Wiederherstellungscodes übrig
}
methods-few-text = Jeder gilt einmal. Machen Sie auf Ihrer Kontoseite neue, damit Sie sich auch an dem Tag helfen können, an dem Sie sonst nichts haben.
methods-few-go = Neue Wiederherstellungscodes erzeugen
methods-added = Hinzugefügt am { $when }
methods-used = zuletzt benutzt am { $when }
methods-unused = noch nicht benutzt
methods-silent = Ihre Organisation sendet keine SMS in dieses Land: Weder Codes noch Mitteilungen kommen dort an.
methods-usable = Gilt ab { $when }
methods-edit = Umbenennen
methods-label = Wie Sie es nennen
methods-rename = Namen speichern
methods-remove = Entfernen
methods-remove-now = Ja, entfernen
methods-lose-passkey = Mit diesem Passkey können Sie sich nicht mehr anmelden und nichts mehr nachweisen. Bitte löschen Sie ihn auch auf Ihrem Gerät.
methods-lose-app = Die Codes, die diese App für Ihr Konto zeigt, gelten nicht mehr. Bitte löschen Sie den Eintrag auch in der App.
methods-lose-codes = Keiner dieser Codes gilt mehr, wo immer Sie sie aufbewahren.
methods-lose-nothing = Zurzeit weist es nichts nach, Sie verlieren dadurch also nichts.
methods-lose-all = Was bleibt, reicht nicht, um selbst ein neues Passwort zu wählen, wenn Sie Ihres vergessen haben. Fügen Sie besser zuerst etwas anderes hinzu.
methods-lose-own = Es ist das Einzige, was Sie eingerichtet haben: Danach bleibt nur, was Ihre Organisation von Ihnen kennt, zum Beispiel Codes an Ihre E-Mail-Adresse oder Nummer.
methods-lose-one = Sie können weiterhin mit dem nachweisen, wer Sie sind, was Sie sonst eingerichtet haben.
methods-wanted-passkey = Bitte weisen Sie vorher mit Ihrem Passkey nach, dass Sie es sind: Melden Sie sich damit noch einmal an. Das hält fern, wer Ihre E-Mails liest und Ihr Passwort kennt. Haben Sie es verloren, melden Sie sich mit einem Wiederherstellungscode an, oder fügen Sie zuerst etwas Neues hinzu und kommen wieder, sobald das gilt.
methods-wanted-app = Bitte weisen Sie vorher mit Ihrer Authenticator-App nach, dass Sie es sind: Melden Sie sich damit noch einmal an. Das hält fern, wer Ihre E-Mails liest und Ihr Passwort kennt. Haben Sie es verloren, melden Sie sich mit einem Wiederherstellungscode an, oder fügen Sie zuerst etwas Neues hinzu und kommen wieder, sobald das gilt.
methods-wanted-codes = Bitte weisen Sie vorher mit einem Ihrer Wiederherstellungscodes nach, dass Sie es sind: Melden Sie sich damit noch einmal an. Das hält fern, wer Ihre E-Mails liest und Ihr Passwort kennt. Haben Sie sie verloren, fügen Sie zuerst etwas Neues hinzu und kommen wieder, sobald das gilt.
methods-wanted-go = Noch einmal anmelden
methods-stopped = Gesperrt: Es gibt vielleicht eine Kopie
methods-stopped-text = Dieser Passkey wurde so benutzt, dass es eine zweite Kopie davon geben könnte. Deshalb weist er nichts mehr nach. Entfernen Sie ihn und fügen Sie auf einem Gerät, das nur Sie benutzen, einen neuen hinzu. Wenn Sie sich keine Kopie erklären können, sagen Sie es Ihrem Helpdesk.
methods-not-taken = Ihre Organisation nimmt das zurzeit nicht an.
methods-full = Eine Person kann bis zu 10 Passkeys und 3 Authenticator-Apps haben. Entfernen Sie etwas, das Sie nicht mehr brauchen, bevor Sie mehr hinzufügen.
methods-one-secret = Sie haben sich mit einem Code an Ihr dienstliches Postfach und dem Passwort angemeldet, mit dem es sich öffnet. Wer dieses Passwort kennt, hat beides; deshalb kann damit nichts hinzugefügt werden. Melden Sie sich noch einmal mit etwas anderem an: einem Code per SMS oder an Ihr privates Postfach, einer App, einem Passkey, einem Wiederherstellungscode oder einem Code vom Helpdesk.
methods-add-none = Ihre Organisation nimmt nichts an, was Sie hier einrichten könnten.
methods-add = Etwas hinzufügen
methods-add-passkey = Passkey hinzufügen
methods-add-app = Authenticator-App hinzufügen
methods-add-codes = Wiederherstellungs­codes machen
methods-renew-codes = Neue Wiederherstellungs­codes machen
methods-told = Wird etwas hinzugefügt oder entfernt, sagen wir es Ihnen an alle Ihre Adressen.
methods-told-later = Neues gilt erst nach einer Weile: Sollten nicht Sie es gewesen sein, bleibt Zeit, das zu melden.
methods-contacts = Wo wir Sie erreichen
methods-contact-edit = Ändern
methods-contacts-text = Dorthin gehen Codes und Nachrichten zu Ihrem Konto. Stimmt in den Unterlagen Ihrer Organisation etwas nicht, sagen Sie es Ihrem Helpdesk.
methods-back = Zurück zu Ihrem Konto
methods-cancel = Abbrechen
methods-error-label = Ein Name hat 1 bis 60 Zeichen.

app-title = Authenticator-App hinzufügen
app-intro = Öffnen Sie Ihre Authenticator-App, fügen Sie ein Konto hinzu und nehmen Sie diesen Code auf.
app-picture = Code für Ihre Authenticator-App. Dasselbe als Text steht darunter.
app-key = Ich kann nichts aufnehmen
app-key-text = Tippen Sie diesen Schlüssel in Ihre App ein. Art: zeitbasiert, 6 Ziffern, 30 Sekunden.
app-code = Der Code, den die App jetzt zeigt
app-code-hint = Daran sehen wir, dass alles angekommen ist. Er hat 6 Ziffern und wechselt alle 30 Sekunden.
app-submit = App hinzufügen
app-error-wrong = Dieser Code passt nicht. Warten Sie auf den nächsten und prüfen Sie, ob die Uhr Ihres Telefons automatisch gestellt wird.

passkey-new-title = Passkey hinzufügen
passkey-new-intro = Ihr Gerät macht einen Schlüssel und behält ihn. Später benutzen Sie ihn mit Fingerabdruck, Gesicht oder der PIN Ihres Geräts; nichts davon wird an uns gesendet.
passkey-new-make = Passkey machen

codes-title = Wiederherstellungs­codes machen
codes-intro = Sie bekommen zehn Codes zum Ausdrucken oder Speichern. Jeder gilt einmal, wenn nichts anderes zur Hand ist. Bewahren Sie sie auf, wo niemand sonst nachsieht, und nicht auf dem Telefon, das Sie verlieren könnten.
codes-replaces = Sie haben noch { $left } Codes. Sie gelten nicht mehr, sobald Sie neue machen.
codes-make = Zehn Codes machen
codes-made-title = Ihre Wiederherstellungs­codes
codes-usable = Sie gelten ab { $when }
codes-made-intro = Drucken oder speichern Sie sie jetzt. Sie werden nur dieses eine Mal gezeigt.
codes-of = Wiederherstellungs­codes von { $name } bei { $tenant }. Jeder gilt einmal.
codes-file = wiederherstellungscodes.txt
codes-print = Drucken
codes-save = Als Datei speichern
codes-done = Ich habe sie aufbewahrt

## A passkey

passkey-title = Benutzen Sie Ihren Passkey
passkey-intro = Ihr Gerät fragt nach Fingerabdruck, Gesicht oder PIN oder nach Ihrem Sicherheitsschlüssel. Nichts davon wird an uns gesendet.
passkey-use = Passkey benutzen
passkey-trouble = Ein Passkey funktioniert auf dem Gerät, auf dem er entstand, auf Geräten, die ihn teilen, oder mit dem Telefon oder Sicherheitsschlüssel, der ihn enthält. Bietet dieses Gerät ihn nicht an, nehmen Sie einen anderen Weg.
passkey-cancelled = Es wurde abgebrochen, oder es gibt hier keinen Passkey für diese Seite. Bitte versuchen Sie es noch einmal oder nehmen Sie einen anderen Weg.
passkey-unsupported = Dieser Browser kann keine Passkeys benutzen. Bitte nehmen Sie einen anderen Browser oder einen anderen Weg.
passkey-registered = Dieses Gerät hat schon einen Passkey für Ihr Konto.
passkey-insecure = Der Browser erlaubt auf dieser Seite keine Passkeys. Bitte nehmen Sie einen anderen Weg.
passkey-network = Die Verbindung wurde unterbrochen. Bitte versuchen Sie es noch einmal.
passkey-failed = Das hat nicht geklappt. Bitte versuchen Sie es noch einmal oder nehmen Sie einen anderen Weg.
passkey-error-script = Passkeys brauchen JavaScript, das hier abgeschaltet oder gesperrt ist. Bitte schalten Sie es ein oder nehmen Sie einen anderen Weg.
passkey-error-wrong = Dieser Passkey passt nicht zu diesem Konto. Bitte nehmen Sie einen anderen Passkey oder einen anderen Weg.
passkey-error-nobody = Mit diesem Passkey kann hier niemand angemeldet werden. Bitte nehmen Sie einen anderen Passkey, oder beginnen Sie mit Ihrem Namen.
passkey-error-over = Das hat zu lange gedauert oder wurde zweimal gesendet. Bitte versuchen Sie es noch einmal.
passkey-error-limit = Es gab mehrere Versuche. Bitte warten Sie einen Moment, bevor Sie weitermachen.

## What do you need?

need-title = Was brauchen Sie?
need-intro = Ihr Konto ist gesperrt. Das passiert nach mehreren Versuchen mit einem falschen Passwort, oft durch ein Telefon oder einen Computer, der noch ein altes hat.
need-unlock = Mein Konto entsperren
need-unlock-text = Sie kennen Ihr Passwort, und es bleibt, wie es ist.
need-password = Ein neues Passwort wählen
need-password-text = Sie haben es vergessen. Ihr Konto wird dabei auch entsperrt.
need-continue = Weiter
need-only-title = Ihr Konto ist gesperrt
need-only-text = Sie können es hier entsperren. Ihr Passwort bleibt, wie es ist.
need-age = Ihr Passwort wurde erst vor Kurzem geändert. Ein neues ist möglich ab { $when }.
need-no-password = Ein neues Passwort lässt sich für Ihr Konto von hier aus nicht setzen.
need-error-choose = Bitte wählen Sie, was Sie brauchen.

## The new password

password-title = Neues Passwort wählen
password-account = Ihr Konto
password-label = Neues Passwort
password-show = Zeigen
password-hide = Verbergen
password-generate = Passwort vorschlagen
password-generated = Ein Passwort ist eingetragen. Speichern oder notieren Sie es, bevor Sie weitermachen.
password-rules = Was es braucht
password-rule-length = { $n ->
    [one] Mindestens ein Zeichen
   *[other] Mindestens { $n } Zeichen
}
password-rule-kinds = Drei davon: Kleinbuchstaben, Großbuchstaben, Ziffern, Sonderzeichen, Buchstaben ohne Groß- und Kleinform
password-rule-words = Nicht Ihr Anmeldename und kein Teil Ihres Namens
password-rule-history = { $n ->
    [one] Nicht Ihr letztes Passwort
   *[other] Keines Ihrer letzten { $n } Passwörter
}
password-rule-age = { $days ->
    [one] Danach ist eine weitere Änderung erst einen Tag später möglich
   *[other] Danach ist eine weitere Änderung erst { $days } Tage später möglich
}
password-rule-unknown = Je länger, desto besser: Gut sind vier oder fünf Wörter, die nichts miteinander zu tun haben.
password-rules-met = %met% von %all% erfüllt
password-met = erfüllt
password-open = fehlt noch
password-submit = Neues Passwort setzen
password-sealed = Ihr Passwort wird in diesem Browser versiegelt. Nur die Systeme von { $tenant } können es öffnen: nicht diese Website und auch nicht, wer sie betreibt.
password-asking = Wird vorbereitet …
password-sealing = Ihr Passwort wird versiegelt …
password-sending = Das versiegelte Passwort wird gesendet …
password-sent = Gesendet. Einen Augenblick …
password-allowed-at = Ein neues Passwort ist möglich ab { $when }.
password-for = Dieses Passwort gilt nur für { $places }. Ihre anderen Passwörter bleiben, wie sie sind.
password-also = Es wird auch in { $places } gesetzt.
password-leave = So lassen, wie es ist
password-script-title = Diese Seite braucht JavaScript
password-script-text = Ihr Passwort wird in Ihrem Browser versiegelt, bevor es gesendet wird, damit es unterwegs niemand lesen kann. Dafür ist JavaScript nötig, das hier ausgeschaltet, blockiert oder zu alt ist. Bitte schalten Sie es ein oder öffnen Sie diese Seite in einem anderen Browser.
password-error-empty = Bitte geben Sie ein neues Passwort ein.
password-error-long = Dieses Passwort ist zu lang. Möglich sind höchstens 256 Zeichen.
password-error-characters = Dieses Passwort enthält Zeichen, die in einem Passwort nicht möglich sind. Bitte versuchen Sie ein anderes.
password-error-rules = Es fehlt noch etwas: Bitte sehen Sie in die Liste unten.
password-error-recipients = Wir konnten nicht sicherstellen, dass nur Ihre Organisation Ihr Passwort öffnen kann. Deshalb wurde nichts gesendet und nichts geändert. Bitte versuchen Sie es noch einmal; wenn es so bleibt, sagen Sie es Ihrem Helpdesk.
password-error-network = Die Verbindung wurde unterbrochen. Bitte versuchen Sie es noch einmal.
password-begin-again = Neu beginnen
password-error-slow = Der Server braucht zu lange für eine Antwort. Bitte versuchen Sie es noch einmal.

## Watching it happen

status-title = Ihr neues Passwort wird gesetzt
status-intro = Das dauert meist nur ein, zwei Sekunden. Lassen Sie diese Seite einfach offen.
status-sealed-waiting = Passwort versiegeln
status-sealed-now = Ihr Passwort wird versiegelt …
status-sealed-done = In Ihrem Browser versiegelt
status-picked-waiting = Von Ihrer Organisation abgeholt
status-picked-now = Ihre Organisation holt es gleich ab …
status-picked-done = Von Ihrer Organisation abgeholt
status-set-waiting = Vom Domänencontroller gesetzt
status-set-now = Der Domänencontroller setzt es gerade …
status-set-done = Vom Domänencontroller gesetzt
status-done-waiting = Fertig
status-done-now = Fast fertig …
status-done-follow = Ihre anderen Verzeichnisse folgen …
status-done-done = Fertig
status-lost = Die Verbindung wurde unterbrochen. Wir fragen weiter nach.
status-ending = Es gibt ein Ergebnis. Einen Augenblick …
status-slow = Heute dauert es länger als sonst. Sie brauchen nichts zu tun: Spätestens in zwei Minuten wissen Sie, wie es ausgegangen ist.

status-places = In Ihren Verzeichnissen
place-waits = kommt als Nächstes
place-now = wird gesetzt …
place-set = Das neue Passwort ist gesetzt.
place-not = Nicht gesetzt: Dort gilt noch das alte Passwort.
place-missed = Es war nicht rechtzeitig zu erreichen
place-unknown = Ob es gesetzt ist, wissen wir noch nicht. Versuchen Sie dort erst das neue Passwort, dann das alte.
place-newer = Ein neuerer Versuch ist an seine Stelle getreten.
place-untried = Es wurde nicht versucht
place-unserved = Dieses Konto wird hier nicht bedient
place-again = Ein Passwort dafür wählen
done-places = Wo es gesetzt ist
unlocking-title = Ihr Konto wird entsperrt
unlocking-intro = Das dauert meist nur ein, zwei Sekunden. Lassen Sie diese Seite einfach offen.
unlocking-sealed-done = In Auftrag gegeben
unlocking-set-waiting = Vom Domänencontroller entsperrt
unlocking-set-now = Der Domänencontroller entsperrt es gerade …
unlocking-set-done = Vom Domänencontroller entsperrt

## Done

done-title = Ihr Passwort ist geändert
done-intro = Verwenden Sie ab jetzt Ihr neues Passwort. Zu Ihrer Sicherheit haben wir Sie nirgends angemeldet.
done-devices = Was jetzt zu tun ist
done-computer = An Ihrem Computer
done-computer-text = Melden Sie sich mit dem neuen Passwort an. Wenn Sie schon angemeldet sind, sperren Sie den Bildschirm und entsperren Sie ihn mit dem neuen Passwort.
done-away = Außerhalb des Büros
done-away-text = Ihr Laptop verlangt vielleicht noch das alte Passwort, bis er wieder verbunden war. Melden Sie sich mit dem alten an, starten Sie das VPN mit dem neuen, sperren und entsperren Sie dann den Bildschirm.
done-phone = E-Mail auf dem Telefon
done-phone-text = Geben Sie das neue Passwort ein, wenn die Mail-App danach fragt. Fragt sie nicht, ändern Sie es in den Kontoeinstellungen, damit alte Versuche Sie nicht aussperren.
done-wifi = WLAN und VPN
done-wifi-text = Wenn das Netz sich nicht mehr verbindet, entfernen Sie es einmal und verbinden Sie sich mit dem neuen Passwort neu.
done-notice = Wir haben eine Nachricht an alle hinterlegten Adressen gesendet. Wenn nicht Sie das Passwort geändert haben, sagen Sie es sofort Ihrem Helpdesk.
done-finish = Fertig
unlocked-title = Ihr Konto ist entsperrt
unlocked-intro = Ihr Passwort hat sich nicht geändert: Melden Sie sich mit dem an, das Sie haben.
unlocked-again = Damit es so bleibt
unlocked-device = Alte Passwörter
unlocked-device-text = Ein Telefon, ein Tablet oder ein zweiter Computer versucht es vielleicht noch mit einem alten Passwort und sperrt Ihr Konto wieder. Tragen Sie dort das richtige ein.
unlocked-wifi = WLAN und VPN
unlocked-wifi-text = Auch Netzwerke merken sich Passwörter. Wenn eines noch ein altes hat, entfernen Sie es einmal und verbinden Sie sich neu.
unlocked-notice = Wir haben an alle hinterlegten Adressen eine Nachricht gesendet. Wenn nicht Sie das Konto entsperrt haben, sagen Sie es sofort Ihrem Helpdesk.
unlocked-forgotten = Ich weiß mein Passwort doch nicht

## Other endings

ended-policy-age-title = Ein neues Passwort ist noch nicht möglich
ended-policy-age-text = Ihr Passwort wurde erst vor Kurzem geändert, und Ihre Organisation verlangt etwas Zeit zwischen zwei Änderungen. Es wurde nichts geändert. Wenn Sie Ihr Passwort vergessen haben, kann der Helpdesk ein neues für Sie setzen.
ended-unlock-interrupted-title = Ob Ihr Konto entsperrt ist, wissen wir noch nicht
ended-unlock-interrupted-text = Die Verbindung brach ab, gerade als es entsperrt wurde. Bitte versuchen Sie, sich anzumelden. Wenn das nicht geht, beginnen Sie hier noch einmal. Ihr Passwort hat sich nicht geändert.
ended-unlock-expired-title = Das hat zu lange gedauert
ended-unlock-expired-text = Ihre Organisation hat nicht rechtzeitig geantwortet. Es wurde nichts geändert: Ihr Passwort bleibt, wie es ist. Bitte versuchen Sie es in ein paar Minuten noch einmal.
ended-unlock-refused-title = Ihr Konto ließ sich von hier aus nicht entsperren
ended-unlock-refused-text = Die Systeme Ihrer Organisation haben es nicht erlaubt. Ihr Passwort bleibt, wie es ist. Der Helpdesk kann Ihr Konto entsperren.
ended-unlock-failed-title = Ihr Konto ließ sich gerade nicht entsperren
ended-unlock-failed-text = Die Systeme Ihrer Organisation haben ein Problem gemeldet. Ihr Passwort bleibt, wie es ist. Bitte versuchen Sie es in ein paar Minuten noch einmal; wenn es so bleibt, sagen Sie es dem Helpdesk.
ended-check-expired-title = Das hat zu lange gedauert
ended-check-expired-text = Ihre Organisation hat das Passwort nicht rechtzeitig geprüft. Sie sind nicht angemeldet, und es wurde nichts geändert. Bitte versuchen Sie es in ein paar Minuten noch einmal.
ended-check-interrupted-title = Wir konnten nicht klären, ob das Passwort stimmt
ended-check-interrupted-text = Die Verbindung brach ab, als es gerade geprüft wurde. Sie sind nicht angemeldet, und es wurde nichts geändert. Bitte versuchen Sie es in ein paar Minuten noch einmal.
ended-retry = Von vorn beginnen

outcome-applied-title = Ihr Passwort ist geändert
outcome-applied-text = Verwenden Sie ab jetzt Ihr neues Passwort.
outcome-not-read-back-title = Es hat sehr wahrscheinlich geklappt
outcome-not-read-back-text = Ihr Domänencontroller hat zugestimmt, auf eine zweite Frage aber nicht mehr geantwortet. Bitte versuchen Sie sich anzumelden; wenn Sie ein neues Passwort gewählt haben, dann damit. Geht das nicht, beginnen Sie hier von vorn.
outcome-must-change-not-set-title = Ihr Passwort ist geändert
outcome-must-change-not-set-text = Verwenden Sie ab jetzt Ihr neues Passwort. Bei der nächsten Anmeldung sollte es geändert werden müssen, das ließ sich aber nicht einstellen.
outcome-locked-again-title = Ihr Konto ist schon wieder gesperrt
outcome-locked-again-text = Was Sie wollten, ist geschehen, aber gleich darauf wurde das Konto wieder gesperrt: Ein Gerät oder Programm versucht es immer noch mit einem alten Passwort. Bitte entfernen Sie das alte Passwort aus Telefon, Mailprogramm und gespeicherten Verbindungen und entsperren Sie das Konto dann noch einmal.
outcome-unlocked-title = Ihr Konto ist entsperrt
outcome-unlocked-text = Bitte melden Sie sich mit Ihrem jetzigen Passwort an. Falls Sie es vergessen haben, können Sie hier ein neues wählen.
outcome-not-locked-title = Ihr Konto ist nicht gesperrt
outcome-not-locked-text = Es gab also nichts zu entsperren. Wenn Sie sich nicht anmelden können, lautet das Passwort vermutlich anders: Sie können hier ein neues wählen.
outcome-change-required-title = Das Passwort muss bei der nächsten Anmeldung geändert werden
outcome-change-required-text = Das jetzige Passwort wird dafür noch einmal gebraucht.
outcome-change-waived-title = Das Passwort muss nicht geändert werden
outcome-change-waived-text = Es bleibt, wie es ist.
outcome-verified-title = Das ist Ihr jetziges Passwort
outcome-verified-text = Es wurde nichts geändert.
outcome-must-change-title = Sie müssen ein neues Passwort wählen
outcome-must-change-text = Ihr jetziges Passwort ist richtig, aber Ihre Organisation verlangt ein neues, bevor es weitergeht.
outcome-password-expired-title = Ihr Passwort ist abgelaufen
outcome-password-expired-text = Es ist richtig, aber seine Zeit ist um. Bitte wählen Sie ein neues.
outcome-inspected-title = Ihr Konto wurde nachgesehen
outcome-inspected-text = Es wurde nichts geändert.
outcome-policy-length-title = Dieses Passwort ist zu kurz
outcome-policy-length-text = Ihre Organisation verlangt ein längeres. Bitte ergänzen Sie es: Ein weiteres Wort lässt sich leicht merken. Bis dahin bleibt Ihr jetziges Passwort, wie es ist.
outcome-policy-complexity-title = Dieses Passwort ist zu einfach
outcome-policy-complexity-text = Bitte mischen Sie mindestens drei davon: Kleinbuchstaben, Großbuchstaben, Ziffern, Sonderzeichen. Auch Ihr Name darf nicht darin vorkommen.
outcome-policy-names-title = In diesem Passwort steht Ihr Name
outcome-policy-names-text = Ihre Organisation erlaubt darin weder Ihren Benutzernamen noch einen Teil Ihres Namens. Bitte wählen Sie eines ohne.
outcome-policy-history-title = Dieses Passwort hatten Sie schon einmal
outcome-policy-history-text = Ihre Organisation lässt frühere Passwörter nicht so bald wieder zu. Bitte wählen Sie eines, das neu ist.
outcome-policy-age-title = Ihr Passwort wurde erst vor Kurzem geändert
outcome-policy-age-text = Ihre Organisation verlangt etwas Zeit zwischen zwei Änderungen. Ihr jetziges Passwort bleibt, wie es ist. Falls Sie es vergessen haben, kann der Helpdesk ein neues für Sie setzen.
outcome-policy-other-title = Ihre Organisation nimmt dieses Passwort nicht an
outcome-policy-other-text = Welche Regel es verletzt, erfahren wir nicht. Meist hilft ein längeres, das nicht aus üblichen Wörtern, Namen oder Daten besteht und das Sie noch nicht verwendet haben.
outcome-password-unusable-title = Dieses Passwort kann nicht verwendet werden
outcome-password-unusable-text = Es enthält Zeichen, die die Systeme Ihrer Organisation nicht annehmen, oder es ist zu lang. Bitte wählen Sie ein anderes.
outcome-wrong-password-title = Das ist nicht Ihr jetziges Passwort
outcome-wrong-password-text = Es wurde nichts geändert. Jeder falsche Versuch zählt für die Sperre Ihres Kontos, bitte hören Sie also auf, wenn Sie unsicher sind. Ein neues Passwort können Sie auch wählen, ohne das alte zu kennen.
outcome-change-not-allowed-title = Dieses Passwort dürfen Sie nicht selbst ändern
outcome-change-not-allowed-text = Ihre Organisation hat das für dieses Konto so eingestellt. Es wurde nichts geändert. Bitte fragen Sie den Helpdesk.
outcome-account-locked-title = Ihr Konto ist gesperrt
outcome-account-locked-text = Es wurden zu viele falsche Passwörter versucht. Es wurde nichts geändert. Nach einer Weile öffnet es sich von selbst, oder Sie entsperren es hier.
outcome-locked-for-good-title = Ihr Konto wurde von der Administration gesperrt
outcome-locked-for-good-text = Es kann von hier aus nicht entsperrt werden. Es wurde nichts geändert. Bitte fragen Sie den Helpdesk.
outcome-account-disabled-title = Dieses Konto ist abgeschaltet
outcome-account-disabled-text = Deshalb kann sein Passwort hier nicht gesetzt werden. Es wurde nichts geändert. Der Helpdesk kann Ihnen mehr sagen.
outcome-account-expired-title = Dieses Konto ist abgelaufen
outcome-account-expired-text = Seine Zeit im Verzeichnis Ihrer Organisation ist um, deshalb kann sich niemand damit anmelden. Es wurde nichts geändert. Der Helpdesk kann Ihnen mehr sagen.
outcome-account-protected-title = Dieses Konto ist besonders geschützt
outcome-account-protected-text = Sein Passwort kann von hier aus nicht gesetzt werden. Es wurde nichts geändert. Bitte fragen Sie die Administration Ihrer Organisation.
outcome-out-of-scope-title = Dieses Konto gehört nicht zu diesem Dienst
outcome-out-of-scope-text = Ihre Organisation hat diesen Dienst für das Konto nicht geöffnet. Es wurde nichts geändert. Bitte fragen Sie den Helpdesk.
outcome-gone-title = Dieses Konto wurde nicht mehr gefunden
outcome-gone-text = Vielleicht wurde es gerade verschoben oder entfernt. Es wurde nichts geändert. Bitte fragen Sie den Helpdesk.
outcome-no-right-title = Ihre Organisation muss eine Einstellung ändern
outcome-no-right-text = Der Dienst darf das Passwort dieses Kontos nicht setzen. Es wurde nichts geändert. Bitte nennen Sie dem Helpdesk den Supportcode unten.
outcome-no-unlock-right-title = Ihre Organisation muss eine Einstellung ändern
outcome-no-unlock-right-text = Der Dienst darf dieses Konto nicht entsperren. Es wurde nichts geändert. Bitte nennen Sie dem Helpdesk den Supportcode unten.
outcome-no-flag-right-title = Ihre Organisation muss eine Einstellung ändern
outcome-no-flag-right-text = Der Dienst darf bei diesem Konto nicht einstellen, ob das Passwort geändert werden muss. Es wurde nichts geändert. Bitte nennen Sie dem Helpdesk den Supportcode unten.
outcome-control-missing-title = Ihre Organisation muss eine Einstellung ändern
outcome-control-missing-text = Ihr Domänencontroller kann nicht alle Passwortregeln so prüfen, wie Ihre Organisation es verlangt. Es wurde nichts geändert. Bitte nennen Sie dem Helpdesk den Supportcode unten.
outcome-not-supported-title = Das geht hier nicht
outcome-not-supported-text = Die Systeme Ihrer Organisation können das nicht. Es wurde nichts geändert. Bitte fragen Sie den Helpdesk.
outcome-cannot-open-title = Ihr Passwort kam nicht unversehrt an
outcome-cannot-open-text = Das versiegelte Passwort ließ sich nicht öffnen und wurde verworfen. Es wurde nichts geändert. Bitte beginnen Sie noch einmal.
outcome-unknown-kind-title = Ihre Organisation muss ihre Software aktualisieren
outcome-unknown-kind-text = Die Systeme Ihrer Organisation kennen diese Art von Anfrage noch nicht. Es wurde nichts geändert. Bitte nennen Sie dem Helpdesk den Supportcode unten.
outcome-expired-title = Das hat zu lange gedauert
outcome-expired-text = Ihre Organisation hat das versiegelte Passwort nicht rechtzeitig abgeholt, deshalb wurde es verworfen. Es wurde nichts geändert. Bitte versuchen Sie es in einigen Minuten noch einmal.
outcome-stale-title = Ein neuerer Versuch hat übernommen
outcome-stale-text = Sie haben noch einmal begonnen, vielleicht in einem anderen Fenster, und es zählt nur der neueste Versuch. Von hier aus wurde nichts geändert.
outcome-interrupted-title = Wir wissen noch nicht, wie es ausgegangen ist
outcome-interrupted-text = Die Verbindung brach ab, als Ihr Konto gerade geändert wurde. Bitte versuchen Sie zuerst, sich anzumelden: mit dem neuen Passwort, wenn Sie eines gewählt haben. Wenn das nicht geht, verwenden Sie das bisherige oder beginnen Sie hier noch einmal.
outcome-limit-reached-title = Zu viele Änderungen für den Augenblick
outcome-limit-reached-text = Ihre Organisation lässt nur eine bestimmte Zahl von Änderungen in der Stunde zu. Es wurde nichts geändert. Bitte versuchen Sie es später noch einmal oder fragen Sie den Helpdesk.
outcome-switched-off-title = Ihre Organisation hat diesen Dienst angehalten
outcome-switched-off-text = Im Moment werden von hier aus keine Passwörter gesetzt. Es wurde nichts geändert. Bitte fragen Sie den Helpdesk.
outcome-directory-unreachable-title = Ihr Domänencontroller ist nicht erreichbar
outcome-directory-unreachable-text = Es wurde nichts geändert. Bitte versuchen Sie es in einigen Minuten noch einmal; wenn es so bleibt, sagen Sie es dem Helpdesk.
outcome-directory-error-title = Ihr Domänencontroller hat ein Problem gemeldet
outcome-directory-error-text = Ihr Passwort wurde nicht geändert. Bitte nennen Sie dem Helpdesk den Supportcode unten.
outcome-changed-meanwhile-title = Jemand anderes hat Ihr Passwort geändert
outcome-changed-meanwhile-text = Nachdem Sie begonnen hatten, wurde Ihr Passwort an anderer Stelle geändert, vielleicht vom Helpdesk. Wir haben es nicht angerührt. Wenn Sie dieses neue Passwort kennen, verwenden Sie es; sonst können Sie es sofort noch einmal versuchen.
outcome-audit-unwritable-title = Ihre Organisation muss etwas in Ordnung bringen
outcome-audit-unwritable-text = Die Systeme Ihrer Organisation können ihr Protokoll der Änderungen nicht führen und ändern deshalb nichts. Ihr Passwort bleibt, wie es ist. Bitte sagen Sie dem Helpdesk Bescheid.
outcome-agent-fault-title = In Ihrer Organisation ist etwas schiefgegangen
outcome-agent-fault-text = In den Systemen Ihrer Organisation ist ein Fehler aufgetreten. Es wurde nichts geändert. Bitte versuchen Sie es noch einmal; wenn es so bleibt, sagen Sie dem Helpdesk Bescheid.

## Problems: `problem-<code>`, for pages that cannot be shown and for answers to the sealing script

error-home = Zur Startseite
problem-bad-input-title = Das konnten wir nicht lesen
problem-bad-input-text = Etwas fehlte oder hatte nicht die erwartete Form. Bitte gehen Sie zurück und versuchen Sie es noch einmal.
problem-cross-site-title = Das ist von hier aus nicht möglich
problem-cross-site-text = Die Anfrage kam nicht von unserer eigenen Seite, deshalb sind wir ihr nicht gefolgt. Bitte beginnen Sie auf dieser Seite noch einmal.
problem-not-found-title = Hier ist nichts
problem-not-found-text = Die Adresse ist vielleicht falsch geschrieben oder veraltet.
problem-method-not-allowed-title = So ist das nicht möglich
problem-method-not-allowed-text = Bitte verwenden Sie die Knöpfe auf unseren Seiten.
problem-too-large-title = Das war zu viel auf einmal
problem-too-large-text = Es wurde mehr gesendet, als diese Seite je braucht. Bitte gehen Sie zurück und versuchen Sie es noch einmal.
problem-too-slow-title = Das hat zu lange gedauert
problem-too-slow-text = Die Verbindung war zu langsam oder wurde unterbrochen. Es wurde nichts geändert. Bitte versuchen Sie es noch einmal.
problem-unsupported-media-type-title = Das konnten wir nicht lesen
problem-unsupported-media-type-text = Was gesendet wurde, hat eine Form, die wir nicht kennen. Bitte gehen Sie zurück und versuchen Sie es noch einmal.
problem-too-many-title = Zu viele Versuche auf einmal
problem-too-many-text = Bitte warten Sie einige Minuten und versuchen Sie es dann noch einmal. So verhindern wir, dass Fremde Codes durchprobieren.
problem-internal-title = Bei uns ist etwas schiefgegangen
problem-internal-text = Es liegt nicht an Ihnen. Wir haben es vermerkt. Bitte versuchen Sie es noch einmal; wenn es so bleibt, nennen Sie dem Helpdesk den Supportcode unten.
problem-try-again-title = Wir sind gleich wieder da
problem-try-again-text = Der Dienst startet gerade oder ist stark ausgelastet. Bitte versuchen Sie es in einer Minute noch einmal.
problem-no-cookie-title = Diese Seite braucht ein Cookie
problem-no-cookie-text = Ein einziges Cookie hält Ihre Schritte zusammen, bis Sie fertig sind, und sonst nichts. Bitte erlauben Sie Cookies für diese Seite und beginnen Sie noch einmal.
problem-flow-ended-title = Bitte beginnen Sie noch einmal
problem-flow-ended-text = Seit dem letzten Schritt ist zu viel Zeit vergangen, Sie wurden inzwischen abgemeldet, oder Sie sind schon fertig. Es wurde nichts geändert.
problem-not-verified-title = Bitte weisen Sie sich noch einmal aus
problem-not-verified-text = Ihr Nachweis gilt nicht mehr. Es wurde nichts geändert. Bitte beginnen Sie noch einmal.
problem-not-served-title = Dieses Konto gehört nicht zu diesem Dienst
problem-not-served-text = Sein Passwort kann von hier aus im Moment nicht gesetzt werden. Es wurde nichts geändert. Bitte fragen Sie Ihren Helpdesk.
problem-password-changed-title = Das Passwort wurde inzwischen geändert
problem-password-changed-text = Sie sind nicht angemeldet: Das Passwort, das Sie gezeigt haben, ist nicht mehr das aktuelle. Bitte melden Sie sich noch einmal an, mit dem neuen. Wenn Sie es nicht geändert haben, rufen Sie bitte sofort Ihren Helpdesk an.
problem-no-agent-title = Ihre Organisation ist nicht erreichbar
problem-no-agent-text = Die Systeme Ihrer Organisation sind gerade nicht erreichbar. Es wurde nichts geändert. Bitte versuchen Sie es in einigen Minuten noch einmal.
problem-not-now-title = Dieser Schritt ist vorbei
problem-not-now-text = Sie sind inzwischen bei einem anderen Schritt, vielleicht in einem anderen Fenster. Es wurde nichts geändert. Bitte laden Sie die Seite neu.
problem-method-not-taken-title = Das wird hier nicht angenommen
problem-method-not-taken-text = Ihre Organisation nimmt diese Art des Nachweises zurzeit nicht an. Es wurde nichts geändert. Bitte gehen Sie zurück und wählen Sie eine andere.
problem-method-full-title = Für noch etwas ist kein Platz
problem-method-full-text = Sie haben davon so viel, wie eine Person haben kann. Es wurde nichts geändert. Bitte entfernen Sie etwas, das Sie nicht mehr brauchen, und versuchen Sie es dann noch einmal.
problem-one-secret-title = Bitte weisen Sie es zuerst mit etwas anderem nach
problem-one-secret-text = Sie haben sich mit einem Code an Ihr dienstliches Postfach und dem Passwort angemeldet, mit dem es sich öffnet: Das ist ein Geheimnis und nicht zwei. Es wurde nichts hinzugefügt. Bitte melden Sie sich noch einmal mit etwas anderem an: einem Code per SMS oder an Ihr privates Postfach, einer App, einem Passkey, einem Wiederherstellungscode oder einem Code vom Helpdesk.
problem-proof-wanted-title = Bitte weisen Sie es zuerst mit etwas Stärkerem nach
problem-proof-wanted-text = Was Sie eingerichtet haben, entfernt oder ersetzt nur, wer das Stärkste davon nachweist. Es wurde nichts geändert. Bitte melden Sie sich noch einmal mit Ihrem Passkey, Ihrer App oder einem Wiederherstellungscode an.
problem-no-ticket-title = Bitte versuchen Sie es noch einmal
problem-no-ticket-text = Dieser Versuch ist nicht der, auf den wir gewartet haben, vielleicht wegen eines anderen Fensters. Es wurde nichts geändert. Bitte drücken Sie noch einmal auf den Knopf.
problem-ticket-expired-title = Das hat zu lange gedauert
problem-ticket-expired-text = Das hat ein wenig zu lange gedauert. Es wurde nichts geändert. Bitte drücken Sie noch einmal auf den Knopf.
problem-bad-envelope-title = Ihr Passwort kam nicht unversehrt an
problem-bad-envelope-text = Das versiegelte Passwort ist nicht so, wie es sein muss, und wurde verworfen. Es wurde nichts geändert. Bitte versuchen Sie es noch einmal.
problem-busy-title = Einen Augenblick bitte
problem-busy-text = Gerade wird ein neues Passwort für Sie gesetzt. Bitte warten Sie, bis das zu Ende ist.
problem-superseded-title = Ein neuerer Versuch läuft
problem-superseded-text = Ein neuerer Versuch läuft, vielleicht in einem anderen Fenster. Von hier aus wurde nichts geändert.
ended-again = Noch einmal versuchen
date-time = { $day }. { $month ->
    [m1] Januar
    [m2] Februar
    [m3] März
    [m4] April
    [m5] Mai
    [m6] Juni
    [m7] Juli
    [m8] August
    [m9] September
    [m10] Oktober
    [m11] November
    *[m12] Dezember
  } { $year }, { $hour }:{ $minute } Uhr (UTC)
problem-writeback-off-title = Passwörter können im Moment nicht gesetzt werden
problem-writeback-off-text = Ihre Organisation hat das Setzen von Passwörtern von hier aus abgeschaltet. Es wurde nichts geändert. Bitte fragen Sie Ihren Helpdesk.

## Problems that only agents meet; whoever runs one reads them in its log

problem-bad-enrolment-token-title = Der Registrierungscode ist nicht gültig
problem-bad-enrolment-token-text = Er wurde falsch eingegeben, schon verwendet oder ist älter als 15 Minuten. Lassen Sie einen neuen erstellen.
problem-known-key-title = Dieser Agent ist schon registriert
problem-known-key-text = Sein Identitätsschlüssel ist hier bekannt. Verwenden Sie den registrierten Agenten, oder entfernen Sie seinen Zustand und registrieren Sie ihn neu.
problem-bad-proof-title = Die Anfrage weist ihren Absender nicht nach
problem-bad-proof-text = Der Besitznachweis fehlt, ist fehlerhaft oder gehört zu einer anderen Anfrage.
problem-replayed-proof-title = Diese Anfrage kam zweimal
problem-replayed-proof-text = Ihr Besitznachweis wurde schon gesehen. Jede Anfrage braucht einen neuen.
problem-clock-skew-title = Die Uhren gehen verschieden
problem-clock-skew-text = Die Zeit des Nachweises liegt mehr als eine Minute neben unserer. Stellen Sie die Uhr.
problem-bad-token-title = Das Zugriffstoken ist nicht gültig
problem-bad-token-text = Es ist abgelaufen, fehlerhaft oder an einen anderen Schlüssel gebunden. Der Agent fordert selbst ein neues an.
problem-bad-assertion-title = Der Agent wurde nicht erkannt
problem-bad-assertion-text = Seine Bescheinigung ist nicht mit einem hier bekannten Schlüssel signiert oder gilt für jemand anderen.
problem-agent-pending-title = Dieser Agent wartet auf seine Bestätigung
problem-agent-pending-text = Jemand aus der Administration muss seinen Fingerabdruck vergleichen und ihn bestätigen.
problem-agent-revoked-title = Dieser Agent ist gesperrt
problem-agent-revoked-text = Er darf nichts mehr tun. Falls das ein Versehen war, registrieren Sie ihn neu.
problem-bad-key-title = Dieser Versiegelungsschlüssel ist nicht annehmbar
problem-bad-key-text = Seine Erklärung ist nicht von diesem Agenten signiert, gilt für einen anderen Konnektor oder zu lange.
problem-bad-identity-title = Dieser Identitätsschlüssel ist nicht annehmbar
problem-bad-identity-text = Er hat nicht signiert, dass er an die Stelle des alten dieses Agenten tritt.
problem-bad-result-title = Dieses Ergebnis ist nicht annehmbar
problem-bad-result-text = Es ist nicht von dem Agenten signiert, der den Auftrag hat.
problem-unknown-pass-title = Dieser Durchgang des Abgleichs ist nicht bekannt
problem-unknown-pass-text = Bitte beginnen Sie ihn von vorn.
problem-contradicts-title = Das widerspricht dem, was schon gemeldet wurde
problem-contradicts-text = Der Auftrag hat schon mit einem anderen Ergebnis geendet, oder ein anderer Agent hat ihn jetzt.
problem-unknown-job-title = Dieser Auftrag ist nicht bekannt
problem-unknown-job-text = Einen Auftrag mit dieser Nummer gibt es hier nicht.

## „Das war nicht ich“

not-me-title = Das war nicht ich
not-me-intro = Wir haben Ihnen gesagt, dass mit Ihrem Konto etwas geschah, und das waren nicht Sie? Dann halten Sie es hier an.
not-me-stops = Es kann nichts mehr zurückgesetzt werden
not-me-stops-text = Von jetzt an kann hier niemand mehr Ihr Passwort zurücksetzen oder ändern oder Ihr Konto entsperren, auch Sie selbst nicht. Wer gerade dabei ist, kommt nicht weiter, und jeder Browser, der auf der Seite Ihres Kontos angemeldet ist, wird abgemeldet.
not-me-tells = Ihr Helpdesk erfährt davon
not-me-tells-text = Er sieht nach, was geschah. Nur er kann es wieder erlauben.
not-me-tell = Rufen Sie auch Ihren Helpdesk an
not-me-tell-text = Er erfährt es nicht von selbst. Nur er kann es wieder erlauben.
not-me-code = Code aus der Nachricht
not-me-code-hint = 26 Buchstaben und Ziffern; sie stehen unter dem Link.
not-me-stop = Anhalten: Das war nicht ich
not-me-else = Das waren doch Sie? Dann schließen Sie einfach diese Seite: Es ist nichts geschehen.
not-me-error-empty = Bitte geben Sie den Code ein, der in der Nachricht steht.
not-me-error-shape = Das ist kein ganzer Code. Er hat 26 Buchstaben und Ziffern; Leerzeichen und Striche sind gleichgültig.
not-me-error-unknown = Diesen Code kennen wir nicht, oder er ist älter als 30 Tage. Bitte nehmen Sie ihn aus der neuesten Nachricht, oder rufen Sie Ihren Helpdesk an.
not-me-error-limit = Aus Ihrem Netz wurden zu viele Codes versucht. Bitte warten Sie einige Minuten, oder rufen Sie Ihren Helpdesk an.
not-me-known-title = Ihr Helpdesk hat das schon angesehen
not-me-known-text = Das haben Sie uns schon gesagt, oder es war, bevor Ihr Helpdesk nachgesehen und das Zurücksetzen wieder erlaubt hat. Daher wurde nichts angehalten. Geht es um etwas Neues? Dann verwenden Sie die neuere Nachricht, oder rufen Sie Ihren Helpdesk an.
stopped-title = Es kann nichts mehr zurückgesetzt werden
stopped-intro = Danke, dass Sie uns das gesagt haben. Bis Ihr Helpdesk nachgesehen hat, kann hier niemand für dieses Konto etwas zurücksetzen, entsperren oder ändern.
stopped-now = Was Sie jetzt tun sollten
stopped-call = Rufen Sie Ihren Helpdesk an
stopped-change = Können Sie sich noch anmelden? Dann ändern Sie Ihr Passwort
stopped-change-text = An Ihrem Computer bei der Arbeit, nicht hier. Wenn Ihr Passwort nicht mehr gilt, setzt Ihr Helpdesk ein neues für Sie.
stopped-mailbox = Sehen Sie nach Ihrem Postfach
stopped-mailbox-text = Wer es war, hat vielleicht Ihre E-Mails gelesen. Ändern Sie dessen Passwort, wenn es ein anderes ist, und suchen Sie nach Regeln, die Ihre E-Mails weiterleiten.
stopped-late = Eine Änderung, die die Systeme Ihrer Organisation in diesem Augenblick schon in der Hand hatten, ließ sich nicht zurückrufen. Dann ist eine Nachricht darüber unterwegs zu Ihnen.
problem-frozen-title = Für Ihr Konto kann hier nichts getan werden
problem-frozen-text = Es ist zu seinem Schutz eingefroren: Jemand hat gesagt, dass er etwas nicht war, oder Ihr Helpdesk möchte erst nachsehen. Es wurde nichts geändert. Bitte rufen Sie Ihren Helpdesk an, nur er kann es wieder erlauben.
methods-due = Bitte sehen Sie nach: Stimmt hier noch alles? Entfernen Sie, was Sie nicht mehr haben, und fügen Sie Neues hinzu.
methods-confirm = Alles stimmt
activity-help-desk = Der Helpdesk hat einen Anrufer für Sie gehalten und ihm einen Code gegeben

## When the time runs out

ends-more = In weniger als zwei Minuten endet diese Seite, zu Ihrem Schutz. Brauchen Sie mehr Zeit?
ends-last = In weniger als zwei Minuten endet diese Seite, zu Ihrem Schutz. Das lässt sich nicht noch einmal aufschieben; wenn es nicht reicht, beginnen Sie einfach noch einmal.
ends-longer = In Ordnung, Sie haben jetzt mehr Zeit.
ends-over = Die Zeit ist um. Was Sie nicht abgeschlossen haben, wurde nicht geändert; bitte beginnen Sie noch einmal.
ends-stay = Ich brauche mehr Zeit
ends-failed = Das ist nicht bei uns angekommen. Bitte versuchen Sie es noch einmal.
