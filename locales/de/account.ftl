# Die eigene Seite, die Anmeldung an ihr, und das Ändern eines Passworts, das man kennt.

## Ihr Konto

account-title = Ihr Konto
account-intro = Angemeldet als { $name }.
account-sessions = Wo Sie angemeldet sind
account-session-since = Angemeldet seit { $when }
account-session-here = Dieser Browser
account-session-end = Dort abmelden
account-from = von { $from }
account-sign-out = Abmelden
device = { $browser } auf { $system }
device-unknown = Ein Gerät, das wir nicht kennen
account-password = Passwort
account-password-text = Dafür brauchen Sie Ihr jetziges Passwort. Ihre Organisation prüft es.
account-password-change = Mein Passwort ändern
account-methods = Wie Sie sich ausweisen
account-methods-text = Wenn Sie einmal Ihr Passwort vergessen, kommen Sie damit wieder hinein. Je mehr davon Sie haben, desto weniger kann schiefgehen.
account-added-title = In den letzten zwei Wochen hinzugefügt
account-added-text = Ist etwas dabei, was Sie nicht hinzugefügt haben? Dann entfernen Sie es: Es bleibt, wenn sich Ihr Passwort ändert, und wer das alte kannte, kann es hinzugefügt haben.
account-methods-open = Ansehen und ändern
account-activity = Was zuletzt geschah
account-activity-text = Aus den letzten 90 Tagen. Wenn etwas davon nicht von Ihnen war, sagen Sie es bitte gleich dem Helpdesk.
account-activity-none = Noch nichts. Sobald ein Passwort gesetzt wird oder sich jemand als Sie ausweist, steht es hier.
account-sessions-end = Überall sonst abmelden
account-sessions-alone = Sie sind nirgendwo sonst angemeldet.
account-language = Sprache
account-language-text = Für diese Seiten und für alles, was wir Ihnen schreiben.
account-language-keep = Diese Sprache verwenden
activity-times = { $what }, { $count }-mal
activity-times-more = { $what }, { $count }-mal oder öfter
activity-begun = Ein Zurücksetzen des Passworts wurde begonnen
activity-begun-change = Eine Änderung des Passworts wurde begonnen
activity-begun-sign-in = Eine Anmeldung an dieser Seite wurde begonnen
activity-code-right = Der richtige Code wurde eingegeben
activity-code-wrong = Ein falscher Code wurde eingegeben
activity-passkey-right = Ein Passkey hat nachgewiesen, dass Sie es sind
activity-passkey-wrong = Es wurde ein Passkey versucht, der nicht passt
activity-code-limit = Zu viele Codes wurden versucht; weitere wurden nicht angesehen
activity-password-limit = Zu viele falsche Passwörter wurden versucht; weitere wurden nicht angesehen
activity-password-set = Ihr Passwort wurde geändert
activity-password-not-set = Ein neues Passwort wurde abgelehnt
activity-password-wrong = Das jetzige Passwort wurde falsch eingegeben oder war nicht zu gebrauchen
activity-unlocked = Ihr Konto wurde entsperrt
activity-signed-in = Jemand hat sich an dieser Seite angemeldet
activity-signed-out = Jemand hat sich von dieser Seite abgemeldet
activity-ended = Ein Browser wurde von einem anderen aus abgemeldet
activity-ended-all = Browser wurden abgemeldet
activity-language = Die Sprache wurde gewählt
activity-method-added = Ein Weg, sich auszuweisen, kam hinzu
activity-method-removed = Ein Weg, sich auszuweisen, wurde entfernt
activity-app-added = Eine Authenticator-App kam hinzu
activity-passkey-added = Ein Passkey kam hinzu
activity-codes-added = Wiederherstellungscodes wurden erzeugt
activity-app-removed = Eine Authenticator-App wurde entfernt
activity-passkey-removed = Ein Passkey wurde entfernt
activity-codes-removed = Wiederherstellungscodes wurden entfernt
activity-method-stopped = Ein Passkey wurde gesperrt: Es gibt vielleicht eine Kopie
activity-contact-code = Ein Code ging an eine Adresse, die hinzukommen sollte
activity-contact-added = Eine eigene Adresse oder Nummer kam hinzu
activity-contact-changed = Eine Adresse oder Nummer wurde durch eine eigene ersetzt
activity-contact-removed = Eine eigene Adresse oder Nummer wurde entfernt
activity-contact-imported = Ihre Organisation hat eine andere Adresse oder Nummer eingetragen
activity-confirmed = Ihre Nachweise wurden als richtig bestätigt
activity-frozen = Das Zurücksetzen wurde für dieses Konto angehalten
activity-lifted = Das Zurücksetzen ist für dieses Konto wieder erlaubt

## Wohin sonst

identify-forgot = Ich habe mein Passwort vergessen
identify-known = Ich kenne mein Passwort und möchte es ändern
identify-account = Verwalten, wie ich mich ausweise

## Ein bekanntes Passwort ändern

change-title = Ihr Passwort ändern
change-intro = Sagen Sie uns zuerst, wer Sie sind, weisen Sie es mit einem Code nach, und wählen Sie dann ein neues Passwort. Dafür brauchen Sie Ihr jetziges Passwort; es darf abgelaufen sein.

## Anmelden

sign-in-title = An Ihrer Kontoseite anmelden
sign-in-intro = Sagen Sie uns zuerst, wer Sie sind, und weisen Sie es dann nach, zum Beispiel mit einem Code. Danach kommt Ihr Passwort.
sign-in-ended = Sie sind abgemeldet: In diesem Browser war 15 Minuten Ruhe, oder Sie waren eine Stunde angemeldet, oder es wurde anderswo beendet. Was Sie getan haben, bleibt.
sign-in-again = Sie sind noch angemeldet, aber dafür braucht es einen Nachweis aus den letzten 15 Minuten oder einen anderen als bisher. Bitte melden Sie sich noch einmal an.
sign-in-passkey-title = Oder ohne Namen
sign-in-passkey-text = Haben Sie einen Passkey eingerichtet, reicht er allein: Ihr Gerät weiß, wem er gehört.
sign-in-passkey = Mit Passkey anmelden
current-title = Geben Sie Ihr Passwort ein
current-intro = Es wird von den Systemen Ihrer Organisation geprüft. Es wird nichts geändert.
current-label = Jetziges Passwort
current-submit = Anmelden
current-forgot = Ich weiß mein Passwort nicht
current-error-empty = Bitte geben Sie Ihr jetziges Passwort ein.
current-sealing = Ihr Passwort wird versiegelt …
current-wait = { $minutes ->
    [one] Für jetzt gibt es keine Versuche mehr. Damit Ihr Konto nicht gesperrt wird, können Sie in einer Minute weitermachen.
   *[other] Für jetzt gibt es keine Versuche mehr. Damit Ihr Konto nicht gesperrt wird, können Sie in { $minutes } Minuten weitermachen.
}
checking-title = Ihr Passwort wird geprüft
checking-intro = Das dauert meist ein bis zwei Sekunden. Sie können diese Seite einfach offen lassen.
checking-looked-waiting = Von Ihrem Domänencontroller geprüft
checking-looked-now = Wird von Ihrem Domänencontroller geprüft …
checking-looked-done = Von Ihrem Domänencontroller geprüft
enter-title = Sie sind es
enter-continue = Zu Ihrer Kontoseite
enter-renew = Ein neues Passwort wählen

## Probleme

problem-signed-out-title = Bitte melden Sie sich noch einmal an
problem-signed-out-text = Sie sind nicht mehr angemeldet: Sie haben sich abgemeldet, oder es ist eine Stunde vergangen, oder es waren 15 Minuten ohne einen Klick. Es wurde nichts geändert. Bitte melden Sie sich noch einmal an.
problem-too-many-passwords-title = Bitte warten Sie ein wenig
problem-too-many-passwords-text = Ihr jetziges Passwort wurde so oft probiert, wie es für jetzt geht. Damit Ihr Konto nicht gesperrt wird, werden bis zu einer halben Stunde lang keine weiteren Versuche gemacht, und länger, wenn es wieder geschieht. Wenn Sie es vergessen haben, können Sie ohne es ein neues setzen.

## Eigene Adressen und Nummern

contact-sms = Handynummer
contact-own = Von Ihnen selbst hinzugefügt.
contact-theirs = Aus den Unterlagen Ihrer Organisation.
contact-title-mail = Private E-Mail-Adresse hinzufügen
contact-title-sms = Handynummer hinzufügen
contact-replace-mail = Eine andere Adresse verwenden
contact-replace-sms = Eine andere Nummer verwenden
contact-intro-mail = Wenn Sie Ihr Passwort vergessen, kann ein Code für ein neues dorthin gehen. Wir senden jetzt einen Code, damit wir wissen, dass es Ihre ist.
contact-intro-sms = Wenn Sie Ihr Passwort vergessen, kann ein Code für ein neues per SMS dorthin gehen. Wir senden jetzt einen Code, damit wir wissen, dass es Ihre ist.
contact-replaces = Sie tritt an die Stelle der jetzigen. Auch dorthin schreiben wir davon.
contact-label-mail = Private E-Mail-Adresse
contact-hint-mail = Ein Postfach, das Sie ohne Ihr Passwort von der Arbeit öffnen können.
contact-label-sms = Handynummer
contact-hint-sms = Mit der Landesvorwahl, zum Beispiel +49 170 1234567.
contact-send = Code senden
contact-told = Wir sagen es Ihnen an alle Ihre Adressen. Hat Ihre Organisation eine Wartezeit festgelegt, gilt sie erst danach: Sollten nicht Sie es gewesen sein, bleibt Zeit, das zu melden.
contact-code-intro = Wir haben einen Code gesendet an
contact-add-mail = Adresse hinzufügen
contact-add-sms = Nummer hinzufügen
contact-other-mail = Es ist eine andere Adresse
contact-other-sms = Es ist eine andere Nummer
contact-missing = Kommt nichts an, sehen Sie bitte nach, ob es oben richtig geschrieben steht.
contact-error-shape-mail = Das ist keine E-Mail-Adresse, an die wir schreiben können. Bitte prüfen Sie sie: Sie hat ein @ und eine Domain, zum Beispiel name@example.org.
contact-error-shape-sms = Das ist keine Nummer, die wir verwenden können. Bitte geben Sie sie mit der Landesvorwahl ein, zum Beispiel +49 170 1234567.
contact-error-behind-password = Dieses Postfach öffnet sich mit dem Passwort, das Sie vielleicht einmal vergessen; dann könnten Sie den Code nicht lesen. Bitte nehmen Sie ein privates.
contact-error-country = Ihre Organisation sendet keine SMS in dieses Land. Bitte nehmen Sie eine andere Nummer, oder richten Sie etwas anderes ein, etwa einen Passkey.
contact-error-known-mail = Diese Adresse ist für Sie schon hinterlegt.
contact-error-known-sms = Diese Nummer ist für Sie schon hinterlegt.
contact-error-not-offered = Ihre Organisation nutzt diesen Weg für Ihr Konto nicht. Bitte richten Sie etwas anderes ein, etwa einen Passkey.
contact-error-limit = Im Moment können keine weiteren Codes gesendet werden. In spätestens einer Stunde geht es wieder.
contact-error-used-up = Auf diesem Weg können heute keine Codes mehr gesendet werden: Ihre Organisation hat ihren Anteil aufgebraucht. Bitte versuchen Sie es morgen, oder richten Sie etwas anderes ein, etwa einen Passkey.
contact-error-tries = Für Ihr Konto wurden zu viele Codes versucht. Bitte warten Sie zehn Minuten oder etwas länger, und geben Sie dann den neuesten Code ein.
